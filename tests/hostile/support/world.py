"""The server that is lied to, whole and in this process, on one clock; peers reach its edge by signed requests, and it reaches them."""

from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

from twisted.internet.defer import Deferred
from twisted.logger import LogEvent, LogLevel, formatEvent, globalLogPublisher

from config.federation import Federation
from federation.errors import Unreachable
from federation.transport import RemoteAnswer
from homeserver.main import build
from homeserver.streams import Streams
from homeserver.web.dispatch import Dispatch
from homeserver.web.endpoint import Reply
from homeserver.web.request import Request
from storage.database import Database
from storage.drivers.threads import NoThreads
from tests.federation.support.town import TownServer
from tests.hostile.support.peer import Peer
from tests.support.client import Client, run
from tests.support.clock import FakeClock, SeededChance
from tests.support.server import test_config

HOME = "home.test"
NOTARY = "notary.test"
T = TypeVar("T")


class Network:
    """Fills `federation.transport.Transport`. A name that no peer has leads nowhere."""

    def __init__(self) -> None:
        self.peers: dict[str, Peer] = {}

    async def request(self, destination: str, method: str, uri: str, headers: Mapping[str, str], body: bytes | None) -> RemoteAnswer:
        if destination not in self.peers:
            raise Unreachable(f"{destination} is nowhere")
        return await self.peers[destination].answer(method, uri, headers, body)

    def close(self) -> None:
        """There is nothing to close."""


class WatchedEdge:
    """The edge; notes what it should not have answered. What another server spoilt is a 502 to a client of ours, and to nobody else."""

    def __init__(self, dispatch: Dispatch) -> None:
        self._dispatch = dispatch
        self.failures: list[str] = []

    async def serve(self, request: Request) -> Reply:
        reply = await self._dispatch.serve(request)
        if reply.status >= 500 and not (reply.status in (502, 504) and request.headers.get("authorization", "").startswith("Bearer ")):
            self.failures.append(f"{request.method} {request.path}: {reply.status} {reply.body!r}")
        return reply


class World:
    def __init__(self, home: TownServer, network: Network, clock: FakeClock) -> None:
        self.edge = WatchedEdge(home.server.doors[0].dispatch)
        self.home = home
        self.home.client = Client(cast("Dispatch", self.edge))
        self.network = network
        self.clock = clock
        self.logged: list[str] = []
        self._count = 0
        self.notary = self.peer(NOTARY)

    def peer(self, name: str) -> Peer:
        """A server that nobody has heard of yet, of about that name."""
        self._count += 1
        full = name if "." in name else f"{name}{self._count}.test"
        peer = self.network.peers[full] = Peer(full, self._count, self.clock, cast("Dispatch", self.edge), HOME)
        return peer

    def run(self, coroutine: Coroutine[Deferred[Any], Any, T], seconds: float = 1_000.0) -> T:
        return run(coroutine, self.clock, seconds)

    def settle(self, seconds: float = 1.0) -> None:
        for _ in range(round(seconds / 0.1)):
            self.clock.advance(0.1)

    def complaints(self) -> list[str]:
        """What should not have happened, and is forgotten now: wrong answers, errors in the log."""
        found = [*self.edge.failures, *self.logged]
        self.edge.failures.clear()
        self.logged.clear()
        return found

    def note(self, event: LogEvent) -> None:
        """An observer of the log."""
        if "log_failure" in event or event.get("log_level") in (LogLevel.error, LogLevel.critical):
            self.logged.append(f"{formatEvent(event)} {event.get('log_failure', '')}")


@contextmanager
def open_world(directory: Path, database: Database, streams: Streams) -> Iterator[World]:
    clock, network = FakeClock(), Network()
    config = test_config(directory, federation=Federation(enabled=True, notaries=(NOTARY,)))
    config = config._replace(server=config.server._replace(name=HOME))
    building = build(
        config, clock=clock, chance=SeededChance(1), threads=NoThreads(), database=database, streams=streams, transport=network
    )  # fmt: skip
    server = run(building)
    world = World(TownServer(server, clock, database), network, clock)
    world.run(server.take_up())
    observer: Any = world.note
    globalLogPublisher.addObserver(observer)
    try:
        yield world
    finally:
        globalLogPublisher.removeObserver(observer)
        world.run(server.stop())
