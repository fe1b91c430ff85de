"""Who has to hear of changed keys. Fills `homeserver.encryption.store.DeviceListStore`."""

from collections.abc import Collection, Sequence

from homeserver.encryption.store import MemberChangeRow
from storage.database import Cursor, Database, batches
from storage.event_rows import RoomNames

_USERS = "SELECT user_id FROM device_list_changes WHERE position > ? AND observer IN ??"
_MEMBERS = "SELECT user_id FROM memberships WHERE room_num = ? AND position > ?"
_JOINED = "SELECT user_id, room_num FROM memberships WHERE user_id IN ?? AND membership = 'join' AND room_num IN ??"
USERS_AT_ONCE, ROOMS_AT_ONCE = 500, 200


class StoredDeviceLists:
    def __init__(self, database: Database, names: RoomNames) -> None:
        self._database = database
        self._names = names

    async def changed_users(self, since: int, observer: str) -> list[str]:
        rows = await self._database.scan(lambda cursor: cursor.all(_USERS, since, ["", observer]))
        return list(dict.fromkeys(row[0] for row in rows))

    async def changed_members(self, room_ids: Collection[str], since: int) -> list[MemberChangeRow]:
        def question(cursor: Cursor) -> list[MemberChangeRow]:
            return [
                MemberChangeRow(room_id, row[0])
                for room_id in room_ids
                for row in cursor.all(_MEMBERS, self._names.num(cursor, room_id), since)
            ]

        return await self._database.scan(question)

    async def joined(self, user_ids: Collection[str], room_ids: Collection[str]) -> dict[str, set[str]]:
        def question(cursor: Cursor) -> dict[str, set[str]]:
            rooms = [num for room_id in room_ids if (num := self._names.num(cursor, room_id)) is not None]
            found: dict[str, set[str]] = {}
            for users in batches(user_ids, USERS_AT_ONCE):
                for some in batches(rooms, ROOMS_AT_ONCE):
                    self._add(cursor, found, users, some)
            return found

        if not user_ids or not room_ids:
            return {}
        return await (self._database.read(question) if len(user_ids) < 10 else self._database.scan(question))

    def _add(self, cursor: Cursor, found: dict[str, set[str]], users: Sequence[str], rooms: Sequence[int]) -> None:
        for user_id, room_num in cursor.all(_JOINED, users, rooms):
            found.setdefault(user_id, set()).add(self._names.room_id(cursor, room_num))
