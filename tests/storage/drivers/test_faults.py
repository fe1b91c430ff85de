"""Disks that fill up or fail, connections that break: what waits is told, nothing acknowledged is lost, and the driver goes on by itself."""

import signal
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import apsw
import pytest
from twisted.internet.defer import Deferred, gatherResults

from homeserver.streams import Change, Streams
from storage.database import Cursor, Database, StorageUnavailable, WriteCursor
from storage.drivers.postgres_connection import PostgresConnection
from tests.storage.conftest import DatabaseFactory
from tests.support.loop import ThreadLoop
from tests.support.postgres import TemporaryPostgres, find_binaries

INSERT = "INSERT INTO secrets (name, value) VALUES (?, ?)"

only_file = pytest.mark.parametrize("database_url", ["sqlite-file"], indirect=True)
only_postgres = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


def write_event(cursor: WriteCursor, items: Sequence[str]) -> list[int]:
    positions = [cursor.position() for _ in items]
    cursor.many(INSERT, [(item, b"x" * 500) for item in items])
    for position in positions:
        cursor.announce(Change(position, "event"))
    return positions


def names(cursor: Cursor) -> set[str]:
    return {name for (name,) in cursor.all("SELECT name FROM secrets")}


async def outcome(task: Deferred[Any]) -> Any:
    try:
        return await task
    except StorageUnavailable as error:
        return error


def send(loop: ThreadLoop, database: Database, items: list[str]) -> list[Any]:
    """Positions, or what went wrong."""
    return loop.run(gatherResults([Deferred.fromCoroutine(outcome(database.write_grouped(write_event, item))) for item in items]))


def check_stream(loop: ThreadLoop, database: Database, streams: Streams, stored: set[str]) -> None:
    """Positions and rows agree, in memory and on disk."""
    assert loop.run(database.read(names)) == stored
    assert loop.run(database.read(lambda cursor: cursor.value("SELECT value FROM counters WHERE name = 'position'"))) == streams.position


@only_file
class TestSqlite:
    def test_a_full_disk_fails_the_batch_and_reading_goes_on(self, loop: ThreadLoop, database: Any, streams: Streams) -> None:
        assert send(loop, database, ["a", "b"]) == [1, 2]
        writer: apsw.Connection = database._file.writer
        pages = writer.pragma("page_count")
        writer.pragma("max_page_count", pages)
        found = send(loop, database, [str(index) for index in range(200)])
        assert all(isinstance(item, StorageUnavailable) for item in found)
        assert found[0].fields == {"retry_after_ms": 1000}
        check_stream(loop, database, streams, {"a", "b"})
        writer.pragma("max_page_count", pages + 1000)
        assert send(loop, database, ["c"]) == [3]
        check_stream(loop, database, streams, {"a", "b", "c"})
        assert writer.pragma("integrity_check") == "ok"

    def test_a_failed_commit_fails_the_batch(self, loop: ThreadLoop, database: Any, streams: Streams) -> None:
        send(loop, database, ["a"])
        database._file.writer.set_commit_hook(lambda: True)
        assert [type(item) for item in send(loop, database, ["b", "c"])] == [StorageUnavailable] * 2
        database._file.writer.set_commit_hook(None)
        assert send(loop, database, ["b"]) == [2]
        check_stream(loop, database, streams, {"a", "b"})

    def test_another_writer_is_noticed(self, loop: ThreadLoop, database: Any, database_url: str, streams: Streams) -> None:
        send(loop, database, ["a"])
        stranger = apsw.Connection(database_url.removeprefix("sqlite:///"))
        stranger.execute("BEGIN IMMEDIATE")
        assert [type(item) for item in send(loop, database, ["b"])] == [StorageUnavailable]  # busy
        stranger.execute("UPDATE counters SET value = 7 WHERE name = 'position'; COMMIT")
        stranger.close()
        assert send(loop, database, ["c"]) == [8]
        assert (streams.position, streams.recent(1)) == (8, None)
        check_stream(loop, database, streams, {"a", "c"})


class FailingDisk(apsw.VFS):
    """Syncs of the log fail while `failing`."""

    def __init__(self) -> None:
        self.failing = False
        self.failed = 0
        self.beneath = apsw.vfs_names()[0]
        super().__init__("failing-disk", self.beneath, makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> "FailingFile":
        return FailingFile(self, name, flags)


class FailingFile(apsw.VFSFile):
    def __init__(self, disk: FailingDisk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        self._is_log = bool(flags[0] & apsw.SQLITE_OPEN_WAL)
        super().__init__(disk.beneath, name, flags)

    def xSync(self, flags: int) -> None:
        if self._is_log and self._disk.failing:
            self._disk.failed += 1
            raise apsw.IOError
        super().xSync(flags)


@pytest.fixture
def disk() -> Iterator[FailingDisk]:
    disk = FailingDisk()
    yield disk
    disk.unregister()
    assert apsw.vfs_names()[0] == disk.beneath


@only_file
def test_a_disk_that_cannot_sync(
    disk: FailingDisk, loop: ThreadLoop, database_factory: DatabaseFactory, streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.unraisablehook", lambda error: None)  # apsw reports errors inside a VFS there as well
    database = database_factory()
    acknowledged = {"a", "b"}
    assert send(loop, database, ["a", "b"]) == [1, 2]
    for round_ in range(3):
        disk.failing = True
        found = send(loop, database, [f"lost {round_} {index}" for index in range(5)])
        assert [type(item) for item in found] == [StorageUnavailable] * 5
        disk.failing = False
        position = streams.position
        assert send(loop, database, [f"kept {round_}"]) == [position + 1]
        acknowledged.add(f"kept {round_}")
        check_stream(loop, database, streams, acknowledged)
    assert disk.failed >= 3
    loop.run(database.close())
    check_stream(loop, database_factory(), streams, acknowledged)


def test_what_no_index_takes_is_lost_alone(loop: ThreadLoop, database: Database) -> None:
    """SQLite takes it."""
    long = "".join(sha256(b"%d" % number).hexdigest() for number in range(80))

    async def ended(task: Deferred[Any]) -> bool:
        try:
            await task
        except StorageUnavailable:
            raise
        except Exception:
            return False
        return True

    async def all_three() -> list[bool]:
        tasks = [database.write(lambda cursor, name=name: cursor.many(INSERT, [(name, b"")])) for name in ("one", long, "two")]  # type: ignore[misc]
        return await gatherResults([Deferred.fromCoroutine(ended(task)) for task in tasks])

    first, _, last = loop.run(all_three())
    assert first
    assert last
    assert loop.run(database.scan(names)) - {long} >= {"one", "two"}


@only_postgres
class TestPostgres:
    def test_killed_backends_are_replaced(
        self, loop: ThreadLoop, database: Database, streams: Streams, postgres_server: TemporaryPostgres
    ) -> None:
        expected = set()
        for round_ in range(5):
            items = [f"{round_} {index}" for index in range(10)]
            assert send(loop, database, items) == list(range(round_ * 10 + 1, round_ * 10 + 11))
            expected |= set(items)
            check_stream(loop, database, streams, expected)
            postgres_server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'chatme'")

    def test_deadlocks_run_again(self, loop: ThreadLoop, database: Database, streams: Streams) -> None:
        tries: dict[str, int] = {}

        def unlucky(cursor: WriteCursor, items: Sequence[str]) -> list[int]:
            positions = write_event(cursor, items)
            for item in items:
                tries[item] = tries.get(item, 0) + 1
            if tries[items[0]] < 3:
                cursor.run("DO $$ BEGIN RAISE EXCEPTION 'unlucky' USING ERRCODE = '40P01'; END $$")
            return positions

        assert loop.run(gatherResults([database.write_grouped(unlucky, "a"), database.write_grouped(unlucky, "b")])) == [1, 2]
        assert tries == {"a": 3, "b": 3}
        check_stream(loop, database, streams, {"a", "b"})

    def test_a_full_disk_fails_the_batch(self, loop: ThreadLoop, database: Database, streams: Streams) -> None:
        def full(cursor: WriteCursor) -> None:
            cursor.run("DO $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = 'disk_full'; END $$")

        async def both() -> list[Any]:
            tasks: list[Deferred[Any]] = [database.write(full), database.write_grouped(write_event, "a")]
            return [await task for task in [Deferred.fromCoroutine(outcome(task)) for task in tasks]]

        assert [type(item) for item in loop.run(both())] == [StorageUnavailable] * 2
        assert send(loop, database, ["b"]) == [1]
        check_stream(loop, database, streams, {"b"})

    def test_a_connection_lost_in_commit(self, loop: ThreadLoop, database: Any, streams: Streams) -> None:
        send(loop, database, ["a"])
        connection: PostgresConnection = database._carrier.written.connection
        transaction = database._carrier.written
        commit = transaction.commit

        def lost_after_commit() -> None:
            commit()
            connection.close()
            raise StorageUnavailable

        transaction.commit = lost_after_commit
        assert [type(item) for item in send(loop, database, ["unknown"])] == [StorageUnavailable]
        assert (streams.position, streams.recent(0)[-1].position) == (1, 1)  # type: ignore[index]
        # It was stored after all: readers are sent to the store.
        assert send(loop, database, ["b"]) == [3]
        assert (streams.recent(1), [change.position for change in streams.recent(2) or ()]) == (None, [3])
        check_stream(loop, database, streams, {"a", "b", "unknown"})

    def test_a_server_that_is_gone_too_long(
        self, loop: ThreadLoop, database_factory: DatabaseFactory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        database: Any = database_factory(outage_seconds=0.3)
        send(loop, database, ["a"])
        url = database._carrier._url
        database._carrier._url = "postgresql://chatme@/none?host=/nowhere"
        database._carrier.written.connection.close()
        assert [type(item) for item in send(loop, database, ["b"])] == [StorageUnavailable]
        database._carrier._url = url
        assert send(loop, database, ["c"]) == [2]


def test_restarts_of_postgres_under_load(loop: ThreadLoop, tmp_path: Path) -> None:
    from tests.storage.conftest import open_for_test

    binaries = find_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL server binaries (initdb, postgres) are installed here")
    server = TemporaryPostgres(binaries, durable=True)
    try:
        server.start()
        url, streams = server.create(), Streams()
        database = open_for_test(url, loop, streams)
        acknowledged: set[str] = set()
        for round_ in range(6):
            items = [f"{round_} {index}" for index in range(60)]
            tasks = [Deferred.fromCoroutine(outcome(database.write_grouped(write_event, item))) for item in items[:30]]
            loop.turn()
            server.stop(signal.SIGQUIT if round_ % 2 else signal.SIGINT)
            tasks += [Deferred.fromCoroutine(outcome(database.write_grouped(write_event, item))) for item in items[30:]]
            loop.turn()
            server.start()
            found = loop.run(gatherResults(tasks))
            acknowledged |= {item for item, position in zip(items, found, strict=True) if isinstance(position, int)}
        assert send(loop, database, ["last"])[0] == streams.position
        stored = loop.run(database.read(names))
        assert acknowledged | {"last"} <= stored
        assert len(stored) == streams.position
        loop.run(database.close())
    finally:
        server.remove()
