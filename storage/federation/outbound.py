"""How far other servers have been told. Fills `federation.outbound.store.OutboundStore`."""

from collections.abc import Mapping, Sequence

from federation.outbound.store import Behind
from homeserver.rooms.store import HIDDEN, RELAYED, TOLD, StoredEvent
from storage.database import Cursor, Database, Row, WriteCursor, batches
from storage.event_rows import SELECT, RoomNames

COUNTER = "federation_outbound"
UNTOLD = HIDDEN | TOLD
FEW = 200  # joined users that may be listed on the loop
NAMES_AT_ONCE = 500

_POSITION = "SELECT value FROM counters WHERE name = ?"
_SET_POSITION = "INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
_BEHIND = "SELECT destination, position FROM servers_behind"
_OWED = "SELECT destination, room_id, position FROM owed_rooms"
_PUT_BEHIND = """INSERT INTO servers_behind (destination, position) VALUES (?, ?)
    ON CONFLICT (destination) DO UPDATE SET position = excluded.position"""
_PUT_OWED = """INSERT INTO owed_rooms (destination, room_id, position) VALUES (?, ?, ?)
    ON CONFLICT (destination, room_id) DO UPDATE SET position = excluded.position"""
_CAUGHT_UP = "DELETE FROM servers_behind WHERE destination IN ??"
_PAID = "DELETE FROM owed_rooms WHERE destination IN ??"
_STRANGERS = "SELECT joined_count - local_joined_count FROM rooms WHERE room_num = ?"
_JOINED = "SELECT user_id FROM memberships WHERE room_num = ? AND is_local = 0 AND membership = 'join'"
_EVENTS = SELECT + "WHERE position > ? AND position <= ? AND flags & ? = 0 AND (sender LIKE ? OR flags & ? <> 0) ORDER BY position LIMIT ?"
_NEWEST = """SELECT position FROM events WHERE room_num = ? AND position > ? AND position <= ? AND flags & ? = 0
    AND (sender LIKE ? OR flags & ? <> 0) ORDER BY position DESC LIMIT 1"""
_ROOM_EVENTS = (
    SELECT
    + """WHERE room_num = ? AND position > ? AND position <= ? AND flags & ? = 0 AND (sender LIKE ? OR flags & ? <> 0)
    ORDER BY position DESC LIMIT ?"""
)
_KEYS = "SELECT user_id, position FROM device_list_changes WHERE position > ? AND position <= ? AND observer = '' ORDER BY position"


class StoredOutbound:
    def __init__(self, database: Database, names: RoomNames, server_name: str) -> None:
        self._database = database
        self._names = names
        self._suffix = ":" + server_name
        self._like = "%" + self._suffix

    async def position(self) -> int | None:
        position: int | None = await self._database.read(lambda cursor: cursor.value(_POSITION, COUNTER))
        return position

    async def behind(self) -> list[Behind]:
        def question(cursor: Cursor) -> list[Behind]:
            rooms: dict[str, dict[str, int]] = {}
            for destination, room_id, position in cursor.all(_OWED):
                rooms.setdefault(destination, {})[room_id] = position
            return [Behind(destination, position, rooms.get(destination, {})) for destination, position in cursor.all(_BEHIND)]

        return await self._database.scan(question)

    async def save(self, position: int, behind: Sequence[Behind], caught_up: Sequence[str]) -> None:
        def write(cursor: WriteCursor) -> None:
            for names in batches(caught_up, NAMES_AT_ONCE):
                cursor.run(_CAUGHT_UP, names)
                cursor.run(_PAID, names)
            if behind:
                cursor.many(_PUT_BEHIND, [each[:2] for each in behind])
            owed = [(each.destination, room_id, at) for each in behind for room_id, at in each.rooms.items()]
            if owed:
                cursor.many(_PUT_OWED, owed)
            cursor.many(_SET_POSITION, [(COUNTER, position)])

        await self._database.write(write)

    async def servers_in(self, room_id: str) -> set[str]:
        def strangers(cursor: Cursor) -> tuple[int | None, int]:
            room_num = self._names.num(cursor, room_id)
            return room_num, 0 if room_num is None else int(cursor.value(_STRANGERS, room_num) or 0)

        room_num, count = await self._database.read(strangers)
        if not count:
            return set()
        reading = self._database.read if count <= FEW else self._database.scan
        rows: list[Row] = await reading(lambda cursor: cursor.all(_JOINED, room_num))
        return {row[0].partition(":")[2] for row in rows}

    async def events(self, after: int, until: int, most: int) -> list[StoredEvent]:
        def question(cursor: Cursor) -> list[StoredEvent]:
            return self._names.events(cursor, cursor.all(_EVENTS, after, until, UNTOLD, self._like, RELAYED, most))

        return await self._database.scan(question)

    async def newest(self, rooms: Mapping[str, int], until: int) -> list[tuple[str, int]]:
        def question(cursor: Cursor) -> list[tuple[str, int]]:
            found = []
            for room_id, after in rooms.items():
                room_num = self._names.num(cursor, room_id)
                position = cursor.value(_NEWEST, room_num, after, until, UNTOLD, self._like, RELAYED)
                if position is not None:
                    found.append((room_id, int(position)))
            return sorted(found, key=lambda each: -each[1])

        return await self._database.scan(question)

    async def owed(self, room_id: str, after: int, until: int, most: int) -> list[StoredEvent]:
        def question(cursor: Cursor) -> list[StoredEvent]:
            room_num = self._names.num(cursor, room_id)
            rows = cursor.all(_ROOM_EVENTS, room_num, after, until, UNTOLD, self._like, RELAYED, most + 1)
            return self._names.events(cursor, rows[:1] if len(rows) > most else rows[::-1])

        return await self._database.scan(question)

    async def keys_changed(self, after: int, until: int) -> list[tuple[str, int]]:
        rows = await self._database.scan(lambda cursor: cursor.all(_KEYS, after, until))
        return [(user_id, position) for user_id, position in rows if user_id.endswith(self._suffix)]
