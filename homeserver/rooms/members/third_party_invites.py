"""Accepting an invite that was issued to a third-party identifier: it becomes an invite of the user. Client-server API, "Third-party invites".

This server asks no identity server, so a key whose validity would have to be asked for counts as invalid.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from homeserver.errors import Forbidden, ServerNotTrusted
from homeserver.protocol.event import Draft, Event
from homeserver.rooms.append import Appender
from homeserver.rooms.handshakes.shown import ShownState
from homeserver.rooms.head import RoomHead, RoomHeads
from homeserver.rooms.remote import RemoteRooms
from homeserver.rooms.room_lock import RoomLock
from homeserver.rooms.send import RoomSender
from homeserver.rooms.store import EventCommit

THIRD_PARTY_INVITE = "m.room.third_party_invite"
SIGNED = ("mxid", "sender", "token", "signatures")  # all that is signed, and the signatures


class InviteExchange(Protocol):
    """The servers of those who invite; `federation` fills it."""

    async def exchange(self, room_id: str, sender: str, user_id: str, signed: Mapping[str, Any]) -> None:
        """Let the server of `sender`, who issued the invite, make it an invite of the user of ours. Raises a MatrixError where it does not."""


class NoInviteExchange:
    """A server that talks to no other."""

    async def exchange(self, room_id: str, sender: str, user_id: str, signed: Mapping[str, Any]) -> None:
        raise Forbidden("There is no such pending invite in the room")


class ThirdPartyInvites:
    """Exchanges them: those that were issued here, and elsewhere."""

    def __init__(
        self, *, sender: RoomSender, appender: Appender, heads: RoomHeads, remote: RemoteRooms, shown: ShownState, others: InviteExchange
    ) -> None:
        self._sender = sender
        self._appender = appender
        self._heads = heads
        self._remote = remote
        self._shown = shown
        self._others = others

    async def accept(self, room_id: str, user_id: str, signed: Mapping[str, Any], *, issuer: str | None = None) -> None:
        """Invite the user on the strength of `third_party_signed`; where another server issued the invite, that does so.

        `issuer`: who invited the address, where `signed` does not say so.
        """
        issuer = issuer or signed.get("sender")
        if isinstance(issuer, str) and not self._appender.identity.is_local(issuer):
            await self._others.exchange(room_id, issuer, user_id, signed)
        else:
            await self.invite(room_id, user_id, signed)

    async def invite(self, room_id: str, user_id: str, signed: Mapping[str, Any]) -> None:
        """A user of any server, for an invite that was issued here; the auth rules check the signature."""
        is_local = self._appender.identity.is_local(user_id)

        async def work(lock: RoomLock, head: RoomHead) -> tuple[list[EventCommit], tuple[Event, bytes] | None]:
            draft = await self._draft(head, user_id, signed)
            if draft is None:
                return [], None
            if is_local:
                return [await self._appender.append(lock, head, draft)], None
            return [], (await self._appender.propose(lock, head, draft), head.root)

        proposed = await self._sender.change(room_id, work)
        if proposed is not None:
            event, root = proposed
            await self._remote.invite(event, await self._shown.of(root, event.sender))

    async def _draft(self, head: RoomHead, user_id: str, signed: Mapping[str, Any]) -> Draft | None:
        """None where the user is in the room, or invited, by now."""
        pending, member = (THIRD_PARTY_INVITE, signed["token"]), ("m.room.member", user_id)
        await self._heads.learn(head, [pending, member])
        if head.membership(user_id) in ("join", "invite"):
            return None
        invite = head.get(pending)
        if invite is None or not self._appender.identity.is_local(invite.sender):
            raise Forbidden("There is no such pending invite in the room")
        if _needs_asking(invite.content):
            raise ServerNotTrusted("This server cannot ask whether the invite's key is still valid")
        proof = {key: signed[key] for key in SIGNED if key in signed}
        content = {
            "membership": "invite",
            "third_party_invite": {"display_name": invite.content.get("display_name", ""), "signed": proof},
        }
        return Draft("m.room.member", invite.sender, content, user_id)


def _needs_asking(content: Mapping[str, Any]) -> bool:
    keys = content.get("public_keys")
    entries = [content, *(key for key in keys if isinstance(key, dict))] if isinstance(keys, list) else [content]
    return any(entry.get("key_validity_url") for entry in entries)
