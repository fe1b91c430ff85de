"""Which event of a thread is its latest, on every driver: what comes in from the past is not."""

from typing import Any

from homeserver.protocol.room_versions import room_version
from homeserver.rooms.store import EventCommit, Lineage, Relation, StoredEvent
from storage.rooms import StoredRooms
from tests.storage.rooms.rows import ROOM, Rooms
from tests.support.clock import SeededChance
from tests.support.loop import ThreadLoop

ALICE = "@alice:test"
V12 = room_version("12")


def commit(num: int, topo: int, root: str, **more: Any) -> EventCommit:
    event = StoredEvent(num, 1, None, topo, 0, 0, 0, "m.room.message", ALICE, None, f"${num}", root, None, b"", None, b"", b"", ROOM, V12)
    return EventCommit(event, Lineage(), **{"becomes_extremity": False, "relation": Relation(root, "m.thread", None), **more})


def test_the_past_of_a_thread_is_not_its_latest(rooms: Rooms, loop: ThreadLoop) -> None:
    store = StoredRooms(rooms.database, rooms.names, SeededChance())
    loop.run(store.open())
    loop.run(store.commit([commit(1, 100, "$followed")]))
    # As they come from another server: the newest first.
    loop.run(store.commit([commit(num, 100 - num, "$followed", is_history=True) for num in (2, 3)]))
    loop.run(store.commit([commit(num, 100 - num, "$past", is_history=True) for num in (4, 5)]))
    loop.run(store.commit([commit(6, 94, "$past", is_history=True)]))
    found = loop.run(rooms.database.scan(lambda cursor: cursor.all("SELECT root_id, latest_num FROM threads")))
    assert dict(found) == {"$followed": 1, "$past": 4}
