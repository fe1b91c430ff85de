"""Whole servers on other databases than memory: on a file, over a restart, on a slow disk."""

from collections.abc import Coroutine
from pathlib import Path
from random import Random
from typing import Any, TypeVar, cast

from twisted.internet.defer import Deferred

from config.database import DatabaseSettings
from config.secret import Secret
from homeserver.main import Server, build
from homeserver.protocol.signing import read_key_file
from homeserver.streams import Streams
from storage.database import Cursor, Database, StorageUnavailable
from storage.drivers.group_commit import CommitObserver
from storage.drivers.threads import NoThreads, Threads
from storage.open_storage import Unobserved, open_database
from tests.support.client import run
from tests.support.clock import FakeClock, SeededChance
from tests.support.loop import ThreadLoop
from tests.support.server import NAME, TestServer, test_config
from tests.support.slow import SlowReads, SlowThreads
from tests.support.verify import public_keys, verify_rooms

T = TypeVar("T")
FILE = "sqlite:///chatme.db"


class Failing(Unobserved):
    """An observer of the commits that lets them fail: all while `broken`, or the next ones that `next` counts, after those of `skip`."""

    def __init__(self) -> None:
        self.broken = False
        self.next = 0
        self.skip = 0
        self.failed = 0
        self.commits = 0

    def committing(self, items: int) -> None:
        self.commits += 1
        if self.skip:
            self.skip -= 1
        elif self.broken or self.next:
            self.next = max(0, self.next - 1)
            self.failed += 1
            raise StorageUnavailable("the disk is on fire")


def on_file(
    directory: Path, *, seed: int = 0, observer: CommitObserver | None = None, clock: FakeClock | None = None, **sections: Any
) -> TestServer:
    """On the file in the directory: what another server left there is still there."""
    return _open(directory, clock or FakeClock(), NoThreads(), seed, observer, None, sections)


def restarted(server: TestServer, directory: Path, *, seed: int) -> TestServer:
    """The server of that directory after an orderly end."""
    server.run(server.server.stop())
    return on_file(directory, seed=seed, clock=server.clock)


def slowly(directory: Path, *, seed: int = 0, observer: CommitObserver | None = None, **sections: Any) -> TestServer:
    """Reads and commits take their time, in an order that follows from the seed."""
    clock, chance = FakeClock(), Random(seed)
    return _open(directory, clock, SlowThreads(clock, chance), seed, observer, chance, sections)


def _open(
    directory: Path,
    clock: FakeClock,
    threads: Threads,
    seed: int,
    observer: CommitObserver | None,
    slow_reads: Random | None,
    sections: dict[str, Any],
) -> TestServer:
    streams, chance = Streams(), SeededChance(seed)
    settings = DatabaseSettings(url=Secret(FILE))
    opening = open_database(settings, directory=directory, streams=streams, clock=clock, chance=chance, threads=threads, observer=observer)
    database: Any = run(opening)
    database._file.writer.pragma("synchronous", "OFF")  # nobody pulls the plug here
    if slow_reads is not None:
        database = cast(Database, SlowReads(database, clock, slow_reads))
    config = test_config(directory, **sections)
    building = build(config, clock=clock, chance=chance, threads=NoThreads(), database=database, streams=streams)
    return TestServer(run(building, clock), clock, database)


class LoopServer(TestServer):
    """A server on threads and the machine's time."""

    def __init__(self, server: Server, loop: ThreadLoop, database: Database) -> None:
        super().__init__(server, cast(FakeClock, _RealTime(loop)), database)
        self.loop = loop

    def run(self, coroutine: Coroutine[Deferred[Any], Any, T], seconds: float = 120.0) -> T:
        return self.loop.run(coroutine, seconds)


class _RealTime:
    """It passes by itself."""

    def __init__(self, loop: ThreadLoop) -> None:
        self._loop = loop
        self.now_ms = loop.now_ms
        self.monotonic = loop.monotonic

    def sleep(self, seconds: float) -> Deferred[None]:
        """Nobody here needs long."""
        return self._loop.sleep(min(seconds, 0.2))

    def advance(self, seconds: float) -> None:
        """Nothing is waited for."""


def on_database(directory: Path, database: Database, streams: Streams, loop: ThreadLoop, *, seed: int = 0, **sections: Any) -> LoopServer:
    """On a database that is open already, of whatever driver."""
    config = test_config(directory, **sections)
    building = build(config, clock=loop, chance=SeededChance(seed), threads=loop.threads, database=database, streams=streams)
    return LoopServer(loop.run(building), loop, database)


def verified(server: TestServer, directory: Path) -> int:
    """Look at everything its rooms are made of; how many events there are."""
    keys = public_keys(NAME, read_key_file((directory / "signing.key").read_text()))

    def verify(cursor: Cursor) -> int:
        return verify_rooms(cursor, keys)

    async def ask() -> int:
        return await server.database.scan(verify)

    return server.run(ask())
