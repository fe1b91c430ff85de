"""The ports `homeserver.sync.sliding.store.ConnectionStore` and `RoomListStore`."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import orjson

from homeserver.rooms.store import HIDDEN
from homeserver.sync.sliding.store import ConnectionKey, CurrentState, StateChange, Told
from storage.database import Cursor, Database, WriteCursor
from storage.event_rows import RoomNames

MAX_CONNECTIONS = 10  # of one device
FEW_ROOMS = 20  # are read at once

LOAD = "SELECT number, is_whole, body FROM sliding_states WHERE user_id = ? AND device_id = ? AND conn_id = ? ORDER BY number"
PUT = "INSERT INTO sliding_states (user_id, device_id, conn_id, number, is_whole, body) VALUES (?, ?, ?, ?, ?, ?)"
DROP_AFTER = "DELETE FROM sliding_states WHERE user_id = ? AND device_id = ? AND conn_id = ? AND number > ?"
USE = """INSERT INTO sliding_connections (user_id, device_id, conn_id, used_ts) VALUES (?, ?, ?, ?)
    ON CONFLICT (user_id, device_id, conn_id) DO UPDATE SET used_ts = excluded.used_ts"""
TOUCH = "UPDATE sliding_connections SET used_ts = ? WHERE user_id = ? AND device_id = ? AND conn_id = ?"
# What needs no answer travels with COMMIT: PostgreSQL is gone to once for all of it.
DROP_SURPLUS_STATES = """DELETE FROM sliding_states WHERE user_id = ? AND device_id = ? AND conn_id IN (SELECT conn_id FROM sliding_connections
    WHERE user_id = ? AND device_id = ? ORDER BY used_ts DESC, conn_id LIMIT 100 OFFSET ?)"""
DROP_SURPLUS = """DELETE FROM sliding_connections WHERE user_id = ? AND device_id = ? AND conn_id IN (SELECT conn_id FROM sliding_connections
    WHERE user_id = ? AND device_id = ? ORDER BY used_ts DESC, conn_id LIMIT 100 OFFSET ?)"""
DROP = (
    "DELETE FROM sliding_connections WHERE user_id = ? AND device_id = ? AND conn_id = ?",
    "DELETE FROM sliding_states WHERE user_id = ? AND device_id = ? AND conn_id = ?",
)
DROP_OF_DEVICES = (
    "DELETE FROM sliding_connections WHERE user_id = ? AND device_id IN ??",
    "DELETE FROM sliding_states WHERE user_id = ? AND device_id IN ??",
)
UNUSED = "SELECT user_id, device_id, conn_id FROM sliding_connections WHERE used_ts < ? ORDER BY used_ts LIMIT ?"

# Each of these is one statement for all rooms, so that PostgreSQL is asked once.
LAST_EVENTS = (
    "SELECT r.room_id, (SELECT e.position FROM events e WHERE e.room_num = r.room_num AND e.position > 0 AND e.flags & ? = 0 "
    "ORDER BY e.position DESC LIMIT 1) FROM rooms r WHERE r.room_id IN ??"
)
LAST_OF_TYPES = (
    "SELECT r.room_id, (SELECT e.position FROM events e WHERE e.room_num = r.room_num AND e.position > 0 AND e.flags & ? = 0 "
    "AND e.type IN ?? ORDER BY e.position DESC LIMIT 1) FROM rooms r WHERE r.room_id IN ??"
)
# The rooms, and as rows without a root the numbers of their state.
STATE = (
    "SELECT r.room_id, x.root, r.joined_count, r.invited_count FROM rooms r JOIN room_roots x ON x.room_num = r.room_num WHERE r.room_id IN ?? "
    "UNION ALL SELECT r.room_id, NULL, c.num, 0 FROM rooms r JOIN current_state c ON c.room_num = r.room_num WHERE r.room_id IN ??"
)
STATE_OF_TYPES = STATE + " AND c.type IN ??"


class StoredConnections:
    """ConnectionStore over a database. Rooms are kept by their numbers, 0 stands for none."""

    def __init__(self, database: Database, names: RoomNames) -> None:
        self._database = database
        self._names = names

    async def load(self, key: ConnectionKey) -> list[StateChange]:
        def question(cursor: Cursor) -> list[StateChange]:
            rows = [(number, is_whole, orjson.loads(bytes(body))) for number, is_whole, body in cursor.all(LOAD, *key)]
            self._names.learn(cursor, {room[0] for _, _, (_, rooms) in rows for room in rooms if room[0]})
            return [self._decoded(cursor, number, is_whole, *body) for number, is_whole, body in rows]

        return await self._database.read(question)

    async def save(self, key: ConnectionKey, after: int, changes: Sequence[StateChange], now_ms: int) -> None:
        def change(cursor: WriteCursor) -> None:
            is_new = changes[0].is_whole
            cursor.many(DROP_AFTER, [(*key, -1 if is_new else after)])
            cursor.many(PUT, [(*key, one.number, one.is_whole, self._encoded(cursor, one)) for one in changes])
            if is_new:
                cursor.many(USE, [(*key, now_ms)])
                for statement in (DROP_SURPLUS_STATES, DROP_SURPLUS):  # the second takes away what the first asks for
                    cursor.many(statement, [(*key[:2], *key[:2], MAX_CONNECTIONS)])

        await self._database.write(change)

    async def touch(self, key: ConnectionKey, now_ms: int) -> None:
        await self._database.write(lambda cursor: cursor.many(TOUCH, [(now_ms, *key)]))

    def _encoded(self, cursor: Cursor, change: StateChange) -> bytes:
        rooms = [(self._names.num(cursor, room_id) if room_id else 0, *(told or ())) for room_id, told in change.rooms.items()]
        return orjson.dumps([[[index, pairs] for index, pairs in change.required.items()], rooms])

    def _decoded(self, cursor: Cursor, number: int, is_whole: int, required: list[Any], rooms: list[Any]) -> StateChange:
        pairs = {index: [(type, key) for type, key in wanted] for index, wanted in required}
        told = {self._names.room_id(cursor, room[0]) if room[0] else "": Told(*room[1:]) if len(room) > 1 else None for room in rooms}
        return StateChange(number, bool(is_whole), pairs, told)


class StoredRoomLists:
    """RoomListStore over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def last_events(self, room_ids: Iterable[str]) -> dict[str, int]:
        return await self._last(LAST_EVENTS, (HIDDEN,), list(room_ids))

    async def last_of_types(self, room_ids: Iterable[str], types: Collection[str]) -> dict[str, int]:
        return await self._last(LAST_OF_TYPES, (HIDDEN, list(types)), list(room_ids))

    async def state_of_types(self, room_ids: Collection[str], types: Collection[str] | None) -> dict[str, CurrentState]:
        rooms = list(room_ids)

        def question(cursor: Cursor) -> dict[str, CurrentState]:
            rows = cursor.all(STATE, rooms, rooms) if types is None else cursor.all(STATE_OF_TYPES, rooms, rooms, list(types))
            numbers: dict[str, set[int]] = {room_id: set() for room_id in rooms}
            for room_id, root, number, _ in rows:
                if root is None:
                    numbers[room_id].add(number)
            return {
                room_id: CurrentState(bytes(root), numbers[room_id], joined, invited)
                for room_id, root, joined, invited in rows
                if root is not None
            }

        return await (self._database.read(question) if len(room_ids) <= FEW_ROOMS else self._database.scan(question))

    async def _last(self, sql: str, which: Sequence[Any], room_ids: list[str]) -> dict[str, int]:
        def question(cursor: Cursor) -> dict[str, int]:
            return {room_id: position for room_id, position in cursor.all(sql, *which, room_ids) if position is not None}

        return await (self._database.read(question) if len(room_ids) <= FEW_ROOMS else self._database.scan(question))


def drop_connections(cursor: WriteCursor, user_id: str, device_ids: Sequence[str]) -> None:
    """They go with their devices."""
    for statement in DROP_OF_DEVICES:
        cursor.run(statement, user_id, device_ids)


def forget_unused(cursor: WriteCursor, before_ms: int, most: int) -> int:
    """Connections that nobody has used since."""
    unused = cursor.all(UNUSED, before_ms, most)
    for row in unused:
        _drop(cursor, ConnectionKey(*row))
    return len(unused)


def _drop(cursor: WriteCursor, key: ConnectionKey) -> None:
    for statement in DROP:
        cursor.many(statement, [key])
