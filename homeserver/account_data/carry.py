"""Tags and the mark of a direct chat go along when a room is replaced (client-server API, "Room upgrades"). A `rooms.upgrade` PersonalSettings."""

from typing import Any

import orjson

from homeserver.account_data.account_data import AccountData
from homeserver.account_data.store import GLOBAL, AccountDataStore
from homeserver.account_data.tags import TAG_TYPE, tags_in

DIRECT_TYPE = "m.direct"


class RoomDataCarrier:
    def __init__(self, account_data: AccountData, store: AccountDataStore) -> None:
        self._account_data = account_data
        self._store = store

    async def carry(self, user_id: str, old_room: str, new_room: str) -> None:
        user = await self._account_data.of(user_id)
        tags = tags_in(user.content(old_room, TAG_TYPE))
        if tags and not tags_in(user.content(new_room, TAG_TYPE)):
            await self._store.edit(user_id, new_room, TAG_TYPE, lambda before: None if tags_in(before) else orjson.dumps({"tags": tags}))
        if old_room.encode() in (user.content(GLOBAL, DIRECT_TYPE) or b""):
            await self._store.edit(user_id, GLOBAL, DIRECT_TYPE, lambda before: with_successor(before, old_room, new_room))


def with_successor(content: bytes | None, old_room: str, new_room: str) -> bytes | None:
    """m.direct with the new room beside the old one; None when nothing changes."""
    direct: Any = orjson.loads(content) if content else None
    if not isinstance(direct, dict):
        return None
    changed = {
        user: [*rooms, new_room]
        for user, rooms in direct.items()
        if isinstance(rooms, list) and old_room in rooms and new_room not in rooms
    }
    return orjson.dumps({**direct, **changed}) if changed else None
