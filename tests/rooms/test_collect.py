"""Unreferenced nodes go, everything a state is made of stays, also while rooms are written."""

from pathlib import Path
from typing import Any, cast

from twisted.internet.defer import Deferred

from homeserver.rooms import state_map
from homeserver.rooms.collect import IDLE_S, CollectionStore, StateCollector
from storage.database import Cursor, WriteCursor
from storage.event_rows import RoomNames
from storage.room_commits import CommitWriter
from storage.state_collection import StoredCollection
from tests.support.clock import FakeClock
from tests.support.server import TestServer, make_server

V3 = "/_matrix/client/v3"


def count(server: TestServer) -> int:
    async def ask() -> int:
        return await server.database.read(lambda cursor: int(cursor.value("SELECT count(*) FROM state_nodes")))

    return server.run(ask())


def test_only_garbage_is_collected(tmp_path: Path) -> None:
    server = make_server(tmp_path)
    alice = server.user("alice")
    room = server.ok(alice.post(f"{V3}/createRoom", {}))["room_id"]
    for number in range(40):
        server.ok(alice.put(f"{V3}/rooms/{room}/state/org.example/{number}", {"n": number}))
    before = count(server)
    stray_root, stray = state_map.update(state_map.EMPTY, {bytes([n] * 8): 10**9 + n for n in range(100)}, {})

    def add(cursor: WriteCursor) -> None:
        cursor.many(
            "INSERT INTO state_nodes (node_id, room_num, epoch, body) VALUES (?, 1, 1, ?)", [(node, body) for node, body in stray.items()]
        )

    async def write() -> None:
        await server.database.write(add)

    server.run(write())
    assert count(server) == before + len(stray)

    store = StoredCollection(server.database, RoomNames(), CommitWriter())
    collector = StateCollector(store, server.clock)
    server.run(store.note(room))
    server.run(collector.collect_all())
    assert count(server) == before
    assert server.run(store.next_room()) is None

    def lost(cursor: Cursor) -> Any:
        return cursor.value("SELECT count(*) FROM state_nodes WHERE node_id = ?", stray_root)

    async def ask() -> Any:
        return await server.database.read(lost)

    assert server.run(ask()) == 0
    state = server.ok(alice.get(f"{V3}/rooms/{room}/state"))
    assert len([event for event in state if event["type"] == "org.example"]) == 40


def test_what_is_written_again_during_a_collection_stays(tmp_path: Path) -> None:
    server = make_server(tmp_path)
    alice = server.user("alice")
    room = server.ok(alice.post(f"{V3}/createRoom", {}))["room_id"]
    _, made = state_map.update(state_map.EMPTY, {b"somewhat": 10**9}, {})
    ((node, body),) = made.items()
    writer = CommitWriter()
    store = StoredCollection(server.database, RoomNames(), writer)

    def add(cursor: WriteCursor) -> None:
        cursor.run(
            "INSERT INTO state_nodes (node_id, room_num, epoch, body) VALUES (?, 1, ?, ?) "
            "ON CONFLICT (node_id) DO UPDATE SET epoch = excluded.epoch", node, writer.epoch, body,
        )  # fmt: skip

    async def write() -> None:
        await server.database.write(add)

    server.run(write())
    server.run(store.note(room))
    epoch = server.run(store.begin())
    server.run(write())  # a commit came to need the node after the roots were read
    server.run(store.sweep(1, (), epoch, b"", 1_000))

    async def ask() -> Any:
        return await server.database.read(lambda cursor: cursor.value("SELECT count(*) FROM state_nodes WHERE node_id = ?", node))

    assert server.run(ask()) == 1


class EndlessRoom:
    """A CollectionStore with a room that has no last event."""

    async def next_room(self) -> int:
        return 1

    async def begin(self) -> int:
        return 1

    async def roots(self, room_num: int, after: int, limit: int) -> tuple[set[bytes], int]:
        return set(), after + limit

    async def sweep(self, *_: Any) -> None:
        raise AssertionError("swept, though not all was marked")


def test_a_server_that_stops_does_not_wait_for_a_whole_room() -> None:
    clock = FakeClock()
    collector = StateCollector(cast("CollectionStore", EndlessRoom()), clock)
    collector.start()
    clock.advance(IDLE_S)
    stopped: list[None] = []
    Deferred.fromCoroutine(collector.stop()).addCallback(stopped.append)
    clock.advance(1)
    assert stopped == [None]
    assert clock.waiting() == 0
