"""Rows of the `events` table as records, and the rooms they name."""

from collections.abc import Iterable

from homeserver.protocol.room_versions import RoomVersion, room_version
from homeserver.rooms.store import RoomRecord, StoredEvent
from storage.database import Cursor, Row

# The same columns twice: for `StoredEvent`, where `events` stands alone and where it is joined.
SELECT = (
    "SELECT num, room_num, position, topo, flags, notifies, ts, type, sender, state_key, event_id, thread, redacted_by, "
    "state_before, state_after, body, links, shown_before, shown_after FROM events "
)
SELECT_E = (
    "SELECT e.num, e.room_num, e.position, e.topo, e.flags, e.notifies, e.ts, e.type, e.sender, e.state_key, e.event_id, e.thread, "
    "e.redacted_by, e.state_before, e.state_after, e.body, e.links, e.shown_before, e.shown_after FROM events e "
)
NAMES = "SELECT room_num, room_id, version FROM rooms WHERE room_num IN ??"
MAX_ROOM_NAMES = 50_000


class RoomNames:
    """room_num ↔ (room ID, version): immutable once a room exists, so kept in memory; shared by all stores that read events."""

    def __init__(self) -> None:
        self._by_num: dict[int, tuple[str, RoomVersion]] = {}
        self._by_id: dict[str, int] = {}

    def remember(self, room_num: int, room_id: str, version: RoomVersion) -> None:
        if len(self._by_num) >= MAX_ROOM_NAMES:
            self._by_num.clear()
            self._by_id.clear()
        self._by_num[room_num] = (room_id, version)
        self._by_id[room_id] = room_num

    def num(self, cursor: Cursor, room_id: str) -> int | None:
        """The number of a room, None for one this server does not know."""
        found = self._by_id.get(room_id)
        if found is None:
            row = cursor.one("SELECT room_num, version FROM rooms WHERE room_id = ?", room_id)
            if row is None:
                return None
            self.remember(row[0], room_id, room_version(row[1]))
            found = row[0]
        return found

    def learn(self, cursor: Cursor, room_nums: Iterable[int]) -> None:
        """Those of them that are not known yet, at once."""
        unknown = [num for num in room_nums if num not in self._by_num]
        for room_num, room_id, version in cursor.all(NAMES, unknown) if len(unknown) > 1 else ():
            self.remember(room_num, room_id, room_version(version))

    def name(self, cursor: Cursor, room_num: int) -> tuple[str, RoomVersion]:
        found = self._by_num.get(room_num)
        if found is None:
            row = cursor.one("SELECT room_id, version FROM rooms WHERE room_num = ?", room_num)
            if row is None:
                raise LookupError(f"no room has the number {room_num}")
            found = (row[0], room_version(row[1]))
            self.remember(room_num, *found)
        return found

    def room_id(self, cursor: Cursor, room_num: int) -> str:
        return self.name(cursor, room_num)[0]

    def event(self, cursor: Cursor, row: Row) -> StoredEvent:
        """The record of a row of SELECT."""
        return StoredEvent(*(row[:17] + self.name(cursor, row[1]) + row[17:]))

    def events(self, cursor: Cursor, rows: list[Row]) -> list[StoredEvent]:
        return [StoredEvent(*(row[:17] + self.name(cursor, row[1]) + row[17:])) for row in rows]


def room_record(row: Row) -> RoomRecord:
    """The record of a row that begins with the columns of `rooms.ROOM`."""
    return RoomRecord(
        room_num=row[0],
        room_id=row[1],
        version=room_version(row[2]),
        published=bool(row[3]),
        joined_count=row[4],
        invited_count=row[5],
        local_joined_count=row[6],
        blocked=bool(row[7]),
        created_ts=row[8],
    )
