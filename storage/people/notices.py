"""Rooms for server notices. Fills `homeserver.server_notices.store.NoticeStore`."""

from collections.abc import Sequence

from storage.database import Database, WriteCursor

_ROOM = "SELECT room_id FROM server_notice_rooms WHERE user_id = ?"
_FIRST = "INSERT INTO server_notice_rooms (user_id, room_id) VALUES (?, ?) ON CONFLICT (user_id) DO NOTHING"
_NEXT = "UPDATE server_notice_rooms SET room_id = ? WHERE user_id = ? AND room_id = ?"
_PEOPLE = """SELECT user_id FROM users
    WHERE user_id > ? AND is_guest = 0 AND deactivated = 0 AND appservice IS NULL AND user_type IS NULL ORDER BY user_id LIMIT ?"""


class StoredNotices:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def room(self, user_id: str) -> str | None:
        row = await self._database.read(lambda cursor: cursor.one(_ROOM, user_id))
        return None if row is None else row[0]

    async def claim(self, user_id: str, room_id: str, instead_of: str | None) -> bool:
        def change(cursor: WriteCursor) -> bool:
            if instead_of is None:
                return bool(cursor.run(_FIRST, user_id, room_id))
            return bool(cursor.run(_NEXT, room_id, user_id, instead_of))

        return await self._database.write(change)

    async def people(self, after: str, limit: int) -> Sequence[str]:
        rows = await self._database.scan(lambda cursor: cursor.all(_PEOPLE, after, limit))
        return [row[0] for row in rows]
