"""Profiles: name, picture, time zone and free fields (client-server API, "Profiles"; MSC4133).

A new name or picture is told to the user's rooms in the background (`profiles.spread`).
"""

from functools import partial
from typing import Any

import orjson

from homeserver.errors import NotFound
from homeserver.profiles.fields import ROOM_FIELDS, check_key, check_size, encode_value
from homeserver.profiles.remote import RemoteProfiles
from homeserver.profiles.spread import ProfileSpread
from homeserver.profiles.store import ProfileChange, ProfileStore
from homeserver.protocol.ids import server_name_of


class Profiles:
    def __init__(self, store: ProfileStore, spread: ProfileSpread, remote: RemoteProfiles, server_name: str) -> None:
        self._store = store
        self._spread = spread
        self._remote = remote
        self._server_name = server_name

    async def profile(self, user_id: str, field: str | None = None) -> dict[str, Any]:
        """All fields of a user of any server, or the named one alone; raises NotFound."""
        if server_name_of(user_id) != self._server_name:
            return await self._remote.profile(user_id, field)
        return await self.local_profile(user_id, field)

    async def local_profile(self, user_id: str, field: str | None = None) -> dict[str, Any]:
        """The same of a user of this server: what other servers may ask."""
        fields = await self._store.fields(user_id)
        if fields is None:
            raise NotFound("There is no such user")
        if field is None:
            return {name: orjson.loads(value) for name, value in fields.items()}
        if field not in fields:
            raise NotFound("The profile has no such field")
        return {field: orjson.loads(fields[field])}

    async def put(self, user_id: str, field: str, value: Any) -> None:
        """Set a field of an own user; raises InvalidParam, KeyTooLarge, ProfileTooLarge."""
        check_key(field)
        await self._change(user_id, ProfileChange(field, encode_value(field, value)))

    async def remove(self, user_id: str, field: str) -> None:
        """Removing what is not there is no error; raises InvalidParam or KeyTooLarge for what can be no field."""
        check_key(field)
        await self._change(user_id, ProfileChange(field, None))

    async def _change(self, user_id: str, change: ProfileChange) -> None:
        check = partial(check_size, key=change.field, value=change.value)
        untold = await self._store.put(user_id, change, check, tell=change.field in ROOM_FIELDS)
        if untold is not None and change.field in ROOM_FIELDS:
            self._spread.begin(untold)
