"""Rows of rooms, written as they are: two rooms, numbers instead of meaning."""

from collections.abc import Sequence
from typing import NamedTuple

from storage.database import Database, WriteCursor
from storage.event_rows import RoomNames
from tests.support.loop import ThreadLoop

ROOM, OTHER, UNKNOWN = "!room:test", "!other:test", "!unknown:test"
ROOMS = (ROOM, OTHER)
_EVENT = (
    "INSERT INTO events (num, room_num, position, topo, flags, notifies, ts, type, sender, state_key, event_id, thread, state_before, "
    "state_after, body, links) VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_MEMBER = "INSERT INTO memberships (room_num, user_id, membership, num, position, sender, is_local) VALUES (?, ?, ?, ?, ?, ?, 1)"


class Row(NamedTuple):
    """An event. Its roots are made of its number."""

    num: int
    position: int | None
    room_num: int = 1
    flags: int = 0
    notifies: int = 0
    sender: str = "@alice:test"
    type: str = "m.room.message"
    state_key: str | None = None
    thread: str | None = None

    @property
    def before(self) -> bytes:
        return b"before %d" % self.num

    @property
    def after(self) -> bytes | None:
        return b"after %d" % self.num if self.state_key is not None else None


class Rooms:
    """An open database with two rooms."""

    def __init__(self, database: Database, loop: ThreadLoop) -> None:
        self.database = database
        self.run = loop.run
        self.names = RoomNames()

        def rooms(cursor: WriteCursor) -> None:
            sql = "INSERT INTO rooms (room_num, room_id, version, created_ts) VALUES (?, ?, '12', 0)"
            cursor.many(sql, list(enumerate(ROOMS, 1)))

        self.run(database.write(rooms))

    def insert(self, rows: Sequence[Row]) -> None:
        values = [
            (r.num, r.room_num, r.position, r.num, r.flags, r.notifies, r.type, r.sender, r.state_key, f"${r.num}", r.thread, r.before,
             r.after, b"", b"") for r in rows
        ]  # fmt: skip
        self.run(self.database.write(lambda cursor: cursor.many(_EVENT, values)))

    def members(self, members: Sequence[tuple[int, str, str, int]]) -> None:
        """(room number, user ID, membership, number)."""
        values = [(room, user, membership, num, num, user) for room, user, membership, num in members]

        def change(cursor: WriteCursor) -> None:
            cursor.many(_MEMBER, values)
            for room in {member[0] for member in members}:
                for column, kind in (("joined_count", "join"), ("invited_count", "invite")):
                    count = sum(1 for member in members if member[0] == room and member[2] == kind)
                    cursor.run(f"UPDATE rooms SET {column} = ? WHERE room_num = ?", count, room)

        self.run(self.database.write(change))

    def execute(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        self.run(self.database.write(lambda cursor: cursor.many(sql, rows)))
