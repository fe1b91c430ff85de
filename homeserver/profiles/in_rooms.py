"""What of a profile goes into the member events of its user."""

from typing import Any

import orjson

from homeserver.profiles.fields import ROOM_FIELDS
from homeserver.profiles.store import ProfileStore


class RoomProfiles:
    """`homeserver.rooms.membership.MemberProfiles`."""

    def __init__(self, store: ProfileStore) -> None:
        self._store = store

    async def member_profile(self, user_id: str) -> dict[str, Any]:
        """`displayname` and `avatar_url` of a user of this server, as far as they are set."""
        fields = await self._store.some_fields(user_id, ROOM_FIELDS)
        return {name: orjson.loads(value) for name, value in fields.items()}
