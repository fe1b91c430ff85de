"""Profiles. Fills `homeserver.profiles.store.ProfileStore`."""

from collections.abc import Callable, Mapping

from homeserver.profiles.store import PROFILE_CHANGE, ProfileChange, Untold
from homeserver.streams import Change
from storage.database import Cursor, Database, WriteCursor

_FIELDS = "SELECT field, value FROM profiles WHERE user_id = ?"
_EXISTS = "SELECT 1 FROM users WHERE user_id = ? AND deactivated = 0"
_PUT = """INSERT INTO profiles (user_id, field, value) VALUES (?, ?, ?)
    ON CONFLICT (user_id, field) DO UPDATE SET value = excluded.value"""
_CHANGED = """INSERT INTO profile_changes (user_id, position, told) VALUES (?, ?, ?)
    ON CONFLICT (user_id) DO UPDATE SET position = excluded.position, told = LEAST(excluded.told, profile_changes.told)"""


def _fields(cursor: Cursor, user_id: str) -> dict[str, bytes]:
    return {field: bytes(value) for field, value in cursor.all(_FIELDS, user_id)}


class StoredProfiles:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def fields(self, user_id: str) -> dict[str, bytes] | None:
        def question(cursor: Cursor) -> dict[str, bytes] | None:
            return _fields(cursor, user_id) if cursor.value(_EXISTS, user_id) is not None else None

        return await self._database.read(question)

    async def some_fields(self, user_id: str, names: tuple[str, ...]) -> dict[str, bytes]:
        rows = await self._database.read(lambda cursor: cursor.all(_FIELDS + " AND field IN ??", user_id, names))
        return {field: bytes(value) for field, value in rows}

    async def put(self, user_id: str, change: ProfileChange, check: Callable[[Mapping[str, bytes]], None], *, tell: bool) -> Untold | None:
        def write(cursor: WriteCursor) -> Untold | None:
            before = _fields(cursor, user_id)
            if before.get(change.field) == change.value:
                return None
            check(before)
            if change.value is None:
                cursor.run("DELETE FROM profiles WHERE user_id = ? AND field = ?", user_id, change.field)
            else:
                cursor.run(_PUT, user_id, change.field, change.value)
            position = cursor.position()
            cursor.run(_CHANGED, user_id, position, int(not tell))
            cursor.announce(Change(position, PROFILE_CHANGE, user_id=user_id, subject=change))
            return Untold(user_id, position)

        return await self._database.write(write)

    async def untold(self) -> list[Untold]:
        rows = await self._database.read(lambda cursor: cursor.all("SELECT user_id, position FROM profile_changes WHERE told = 0"))
        return [Untold(*row) for row in rows]

    async def told(self, untold: Untold) -> None:
        sql = "UPDATE profile_changes SET told = 1 WHERE user_id = ? AND position = ?"
        await self._database.write(lambda cursor: cursor.run(sql, untold.user_id, untold.position))
