"""Nodes of states on every driver: written with the events, once, however many states they are part of."""

from homeserver.protocol.room_versions import room_version
from homeserver.rooms import state_map
from homeserver.rooms.state_map import EMPTY
from homeserver.rooms.store import EventCommit, Lineage, StoredEvent
from storage.rooms import StoredRooms
from tests.storage.rooms.rows import ROOM, Rooms
from tests.support.clock import SeededChance

KEYS = [bytes([number] * 8) for number in range(100)]


def test_nodes_of_states_that_share_them(rooms: Rooms) -> None:
    store = StoredRooms(rooms.database, rooms.names, SeededChance())
    rooms.run(store.open())
    known: dict[bytes, bytes] = {}
    root = EMPTY
    for num in range(1, 6):
        root, made = state_map.update(root, {KEYS[num * 10 + step]: num for step in range(10)}, known)
        again = list(known.items())[::2]
        known.update(made)
        event = StoredEvent(
            num, 1, None, num, 0, 0, 0, "m.test", "@eve:test", "", f"${num}", None, None, root, None, b"", b"", ROOM, room_version("12")
        )
        rooms.run(store.commit([EventCommit(event, Lineage(), nodes={**made, **dict(again)}, root=root)]))
    assert rooms.run(store.nodes([*known, b"x" * 16])) == known
    assert rooms.run(store.nodes([])) == {}
