"""The stores of sliding sync: connections and their states, and what is asked of many rooms at once."""

from homeserver.rooms.store import SOFT_FAILED
from homeserver.sync.sliding.store import NO_WISH, ConnectionKey, CurrentState, StateChange, Told
from storage.database import Cursor, WriteCursor
from storage.sliding import MAX_CONNECTIONS, StoredConnections, StoredRoomLists, drop_connections
from storage.upkeep import StoredUpkeep
from tests.storage.rooms.rows import OTHER, ROOM, UNKNOWN, Rooms, Row

KEY = ConnectionKey("@alice:test", "D", "main")
WISH = {0: [("m.room.member", "$LAZY"), ("m.room.name", "")]}


def whole(number: int, **rooms: Told | None) -> StateChange:
    return StateChange(number, True, WISH, {ROOM: Told(0, 20, 0, 7), "": Told(0, 0, NO_WISH, 0)})


def change(number: int, room_id: str, told: Told | None) -> StateChange:
    return StateChange(number, False, {}, {room_id: told})


def test_a_state_and_its_changes(rooms: Rooms) -> None:
    store = StoredConnections(rooms.database, rooms.names)
    assert rooms.run(store.load(KEY)) == []
    first, second = whole(10), change(11, OTHER, Told(5, 1, 0, 0))
    rooms.run(store.save(KEY, 10, [first, second], 1))
    assert rooms.run(store.load(KEY)) == [first, second]
    third, other = change(12, OTHER, None), change(13, ROOM, Told(0, 50, 0, 7))
    rooms.run(store.save(KEY, 11, [third], 2))
    rooms.run(store.save(KEY, 11, [other], 3))  # the third was never seen
    assert rooms.run(store.load(KEY)) == [first, second, other]
    rooms.run(store.save(KEY, 13, [whole(13), change(14, OTHER, None)], 4))
    assert [(one.number, one.is_whole) for one in rooms.run(store.load(KEY))] == [(13, True), (14, False)]
    assert rooms.run(store.load(KEY._replace(device_id="E"))) == []


def test_a_device_has_a_few_connections(rooms: Rooms) -> None:
    store = StoredConnections(rooms.database, rooms.names)
    keys = [KEY._replace(conn_id=str(number)) for number in range(MAX_CONNECTIONS + 1)]
    rooms.run(store.save(KEY._replace(device_id="E"), 1, [whole(1)], 0))
    for ms, key in enumerate(keys[:-1]):
        rooms.run(store.save(key, 1, [whole(1)], ms))
    rooms.run(store.touch(keys[0], 1_000))
    rooms.run(store.save(keys[-1], 1, [whole(1)], 2_000))
    assert [key.conn_id for key in keys if not rooms.run(store.load(key))] == ["1"]
    assert rooms.run(store.load(KEY._replace(device_id="E")))


def test_connections_go_with_time_and_with_devices(rooms: Rooms) -> None:
    store, upkeep = StoredConnections(rooms.database, rooms.names), StoredUpkeep(rooms.database)
    for ms, device_id in enumerate("DEF"):
        rooms.run(store.save(KEY._replace(device_id=device_id), 1, [whole(1)], ms))
    assert rooms.run(upkeep.forget_sliding_connections(2, 1)) == 1
    assert rooms.run(upkeep.forget_sliding_connections(2, 10)) == 1
    assert rooms.run(upkeep.forget_sliding_connections(2, 10)) == 0
    left = KEY._replace(device_id="F")
    assert rooms.run(store.load(left))

    def drop(cursor: WriteCursor) -> None:
        drop_connections(cursor, KEY.user_id, ["F"])

    rooms.run(rooms.database.write(drop))
    assert rooms.run(store.load(left)) == []
    assert rooms.run(rooms.database.read(_rows)) == 0


def _rows(cursor: Cursor) -> int:
    return int(cursor.value("SELECT count(*) FROM sliding_states"))


def test_last_events(rooms: Rooms) -> None:
    store = StoredRoomLists(rooms.database)
    rooms.insert([Row(1, 1, type="m.room.create", state_key=""), Row(2, 3), Row(3, 5, type="m.room.topic", state_key="")])
    rooms.insert([Row(4, 7, flags=SOFT_FAILED), Row(5, 4, room_num=2, type="m.room.topic"), Row(6, -1)])
    assert rooms.run(store.last_events([ROOM, OTHER, UNKNOWN])) == {ROOM: 5, OTHER: 4}
    assert rooms.run(store.last_events([ROOM])) == {ROOM: 5}
    assert rooms.run(store.last_of_types([ROOM, OTHER], ["m.room.create", "m.room.message"])) == {ROOM: 3}
    assert rooms.run(store.last_of_types([ROOM], ["m.room.create"])) == {ROOM: 1}


def test_state_of_types(rooms: Rooms) -> None:
    store = StoredRoomLists(rooms.database)
    rooms.execute("UPDATE rooms SET joined_count = ?, invited_count = ? WHERE room_num = ?", [(3, 1, 1), (2, 0, 2)])
    rooms.execute("INSERT INTO room_roots (room_num, root) VALUES (?, ?)", [(1, b"one"), (2, b"two")])
    rows = [(1, "m.room.name", "", 1), (1, "m.room.topic", "", 2), (1, "m.space.child", "!a", 3), (1, "m.space.child", "!b", 4)]
    rooms.execute("INSERT INTO current_state (room_num, type, state_key, num) VALUES (?, ?, ?, ?)", rows)
    found = rooms.run(store.state_of_types([ROOM, OTHER, UNKNOWN], ["m.room.name", "m.space.child"]))
    assert found == {ROOM: CurrentState(b"one", {1, 3, 4}, 3, 1), OTHER: CurrentState(b"two", set(), 2, 0)}
    assert rooms.run(store.state_of_types([ROOM], None)) == {ROOM: CurrentState(b"one", {1, 2, 3, 4}, 3, 1)}
    assert rooms.run(store.state_of_types([], ["m.room.name"])) == {}
