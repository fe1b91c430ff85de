"""Tags of rooms, kept in the room's account data as m.tag (client-server API, "Room Tagging")."""

from collections.abc import Mapping
from typing import Any

import orjson

from homeserver.account_data.account_data import AccountData
from homeserver.account_data.store import AccountDataStore
from homeserver.errors import BadJson, Forbidden, InvalidParam, TooLarge

TAG_TYPE = "m.tag"
SERVER_NOTICE = "m.server_notice"  # the server sets it, and nobody else
MAX_TAG_BYTES = 255
MAX_TAGS = 200  # of one user on one room
MAX_TAG_CONTENT_BYTES = 4_096


def tags_in(content: bytes | None) -> dict[str, Any]:
    """The tags of an m.tag content; whatever else a client may have written there counts as none."""
    value = orjson.loads(content) if content else None
    tags = value.get("tags") if isinstance(value, dict) else None
    return tags if isinstance(tags, dict) else {}


def check_tag(tag: str, content: Mapping[str, Any]) -> None:
    """Raises InvalidParam for a bad name or an order outside [0, 1], BadJson for an order that is no number."""
    if not tag or len(tag.encode()) > MAX_TAG_BYTES:
        raise InvalidParam(f"A tag has 1 to {MAX_TAG_BYTES} bytes")
    if "order" in content:
        order = content["order"]
        if isinstance(order, bool) or not isinstance(order, (int, float)):
            raise BadJson("order must be a number")
        if not 0 <= order <= 1:
            raise InvalidParam("order must be between 0 and 1")


def _check_owner(tag: str) -> None:
    if tag == SERVER_NOTICE:
        raise Forbidden("This tag is controlled by the server")


class Tags:
    def __init__(self, account_data: AccountData, store: AccountDataStore) -> None:
        self._account_data = account_data
        self._store = store

    async def of(self, user_id: str, room_id: str) -> dict[str, Any]:
        """The user's tags on the room."""
        return tags_in((await self._account_data.of(user_id)).content(room_id, TAG_TYPE))

    async def put(self, user_id: str, room_id: str, tag: str, content: Mapping[str, Any]) -> None:
        check_tag(tag, content)
        _check_owner(tag)
        if len(orjson.dumps(content)) > MAX_TAG_CONTENT_BYTES:
            raise TooLarge("This is more than a tag may hold")

        def edit(before: bytes | None) -> bytes | None:
            tags = tags_in(before)
            if tags.get(tag) == content:
                return None
            if len(tags) >= MAX_TAGS and tag not in tags:
                raise TooLarge(f"A room has at most {MAX_TAGS} tags")
            return orjson.dumps({"tags": {**tags, tag: content}})

        await self._store.edit(user_id, room_id, TAG_TYPE, edit)

    async def put_managed(self, user_id: str, room_id: str, tag: str) -> None:
        """What the server itself sets."""

        def edit(before: bytes | None) -> bytes | None:
            tags = tags_in(before)
            return None if tag in tags else orjson.dumps({"tags": {**tags, tag: {}}})

        await self._store.edit(user_id, room_id, TAG_TYPE, edit)

    async def remove(self, user_id: str, room_id: str, tag: str) -> None:
        """Removing what is not there is no error."""
        _check_owner(tag)

        def edit(before: bytes | None) -> bytes | None:
            tags = tags_in(before)
            return orjson.dumps({"tags": tags}) if tags.pop(tag, None) is not None else None

        await self._store.edit(user_id, room_id, TAG_TYPE, edit)
