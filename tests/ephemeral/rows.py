"""Rooms, events and memberships written straight into the tables, for tests of parts that only read them."""

from typing import Any

from homeserver.rooms.store import StoredEvent
from homeserver.streams import Change
from storage.database import Database, WriteCursor

_EVENT = """INSERT INTO events (num, room_num, position, topo, flags, ts, type, sender, state_key, event_id, thread, body, links)
    VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?)"""
_RELATION = (
    "INSERT INTO relations (parent_id, rel_type, topo, position, num, room_num, ts, type, sender) VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?)"
)
_MEMBER = """INSERT INTO memberships (room_num, user_id, membership, num, position, sender, is_local, displayname, avatar_url)
    VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?) ON CONFLICT (room_num, user_id) DO UPDATE SET membership = excluded.membership"""


class Rows:
    """Writes rows; each event and membership takes a position and is announced."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._num = 0

    async def sql(self, sql: str, *parameters: Any) -> None:
        await self.database.write(lambda cursor: cursor.run(sql, *parameters))

    async def announce(self, kind: str, room_id: str | None = None, user_id: str | None = None, subject: Any = None) -> None:
        await self.database.write(lambda cursor: cursor.announce(Change(cursor.position(), kind, room_id, user_id, subject)))

    async def user(self, user_id: str) -> None:
        await self.sql("INSERT INTO users (user_id, created_ts) VALUES (?, 0)", user_id)

    async def room(self, room_id: str) -> None:
        sql = "INSERT INTO rooms (room_num, room_id, version, created_ts) VALUES ((SELECT count(*) + 1 FROM rooms), ?, '12', 0)"
        await self.sql(sql, room_id)

    async def event(
        self,
        room_id: str,
        event_id: str,
        *,
        thread: str | None = None,
        parent: tuple[str, str] | None = None,
        flags: int = 0,
        type: str = "m.room.message",
        state_key: str | None = None,
        content: bytes = b"{}",
        current: bool = False,
    ) -> int:
        """Its position. `parent` is (event ID, relation type)."""
        self._num += 1
        num = self._num

        def change(cursor: WriteCursor) -> int:
            room_num = cursor.value("SELECT room_num FROM rooms WHERE room_id = ?", room_id)
            position = cursor.position()
            body = b'"content":' + content
            cursor.run(_EVENT, num, room_num, position, num, flags, type, "@sender:test", state_key, event_id, thread, body, b"")
            if parent is not None:
                cursor.run(_RELATION, *parent, num, position, num, room_num, type, "@sender:test")
            if current:
                sql = """INSERT INTO current_state (room_num, type, state_key, num) VALUES (?, ?, ?, ?)
                    ON CONFLICT (room_num, type, state_key) DO UPDATE SET num = excluded.num"""
                cursor.run(sql, room_num, type, state_key, num)
            cursor.announce(Change(position, "event", room_id))
            return position

        return await self.database.write(change)

    async def member(
        self, room_id: str, user_id: str, membership: str = "join", *, displayname: str | None = None, subject: StoredEvent | None = None
    ) -> None:
        def change(cursor: WriteCursor) -> None:
            room_num = cursor.value("SELECT room_num FROM rooms WHERE room_id = ?", room_id)
            position = cursor.position()
            cursor.run(_MEMBER, room_num, user_id, membership, position, user_id, int(user_id.endswith(":test")), displayname, None)
            cursor.announce(Change(position, "event", room_id, user_id, subject))

        await self.database.write(change)
