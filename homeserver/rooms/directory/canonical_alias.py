"""Keeps m.room.canonical_alias in step when an alias goes. Client-server API, "DELETE /directory/room/{roomAlias}"."""

from collections.abc import Container, Mapping
from typing import Any

from homeserver.errors import NotFound
from homeserver.protocol.errors import NotAuthorised
from homeserver.protocol.event import Draft
from homeserver.rooms.append import Appender
from homeserver.rooms.head import RoomHead, RoomHeads
from homeserver.rooms.room_lock import RoomLock
from homeserver.rooms.send import RoomSender
from homeserver.rooms.store import EventCommit

CANONICAL_ALIAS = "m.room.canonical_alias"


def without_aliases(content: Mapping[str, Any], gone: Container[str]) -> dict[str, Any]:
    """The content of m.room.canonical_alias with some aliases no longer named."""
    kept = dict(content)
    if isinstance(kept.get("alias"), str) and kept["alias"] in gone:
        del kept["alias"]
    others = kept.get("alt_aliases")
    if isinstance(others, list):
        kept["alt_aliases"] = [alias for alias in others if isinstance(alias, str) and alias not in gone]
        if not kept["alt_aliases"]:
            del kept["alt_aliases"]
    return kept


class CanonicalAlias:
    """Rewrites the event of a room, as one of its members."""

    def __init__(self, sender: RoomSender, appender: Appender, heads: RoomHeads) -> None:
        self._sender = sender
        self._appender = appender
        self._heads = heads

    async def withdraw(self, room_id: str, user_id: str, alias: str) -> None:
        """No longer name the alias, if the event does and the user has the power to change it."""

        async def work(lock: RoomLock, head: RoomHead) -> tuple[list[EventCommit], None]:
            await self._heads.learn(head, [(CANONICAL_ALIAS, "")])
            current = head.get((CANONICAL_ALIAS, ""))
            content = {} if current is None else without_aliases(current.content, (alias,))
            if current is None or content == current.content:
                return [], None
            try:
                return [await self._appender.append(lock, head, Draft(CANONICAL_ALIAS, user_id, content, ""))], None
            except NotAuthorised:
                return [], None

        try:
            await self._sender.change(room_id, work)
        except NotFound:
            return  # no such room here: an alias left over from a creation that was cut short
