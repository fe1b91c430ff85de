"""Accepting an invite that was issued to a third-party identifier: it becomes an invite of the user. Client-server API, "Third-party invites".

This server asks no identity server, so a key whose validity would have to be asked for counts as invalid.
"""

from collections.abc import Mapping
from typing import Any

from homeserver.errors import Forbidden, ServerNotTrusted
from homeserver.protocol.event import Draft
from homeserver.rooms.append import Appender
from homeserver.rooms.head import RoomHead, RoomHeads
from homeserver.rooms.room_lock import RoomLock
from homeserver.rooms.send import RoomSender
from homeserver.rooms.store import EventCommit

THIRD_PARTY_INVITE = "m.room.third_party_invite"


class ThirdPartyInvites:
    """Exchanges them, in rooms this server takes part in."""

    def __init__(self, *, sender: RoomSender, appender: Appender, heads: RoomHeads) -> None:
        self._sender = sender
        self._appender = appender
        self._heads = heads

    async def accept(self, room_id: str, user_id: str, signed: Mapping[str, Any]) -> None:
        """Invite the user on the strength of `third_party_signed`; the auth rules check the signature."""
        pending, member = (THIRD_PARTY_INVITE, signed["token"]), ("m.room.member", user_id)

        async def work(lock: RoomLock, head: RoomHead) -> tuple[list[EventCommit], None]:
            await self._heads.learn(head, [pending, member])
            if head.membership(user_id) in ("join", "invite"):
                return [], None
            invite = head.get(pending)
            if invite is None or not self._appender.identity.is_local(invite.sender):
                raise Forbidden("There is no such pending invite in the room")
            if _needs_asking(invite.content):
                raise ServerNotTrusted("This server cannot ask whether the invite's key is still valid")
            proof = {key: signed[key] for key in ("mxid", "sender", "token", "signatures")}  # all that is signed
            content = {
                "membership": "invite",
                "third_party_invite": {"display_name": invite.content.get("display_name", ""), "signed": proof},
            }
            return [await self._appender.append(lock, head, Draft("m.room.member", invite.sender, content, user_id))], None

        await self._sender.change(room_id, work)


def _needs_asking(content: Mapping[str, Any]) -> bool:
    keys = content.get("public_keys")
    entries = [content, *(key for key in keys if isinstance(key, dict))] if isinstance(keys, list) else [content]
    return any(entry.get("key_validity_url") for entry in entries)
