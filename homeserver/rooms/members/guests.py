"""Guests leave when a room no longer lets them in. Client-server API, "Guest access", "Server behaviour"."""

from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from homeserver.rooms.member_store import MemberStore
from homeserver.rooms.membership import Membership
from homeserver.rooms.store import StoredEvent
from homeserver.streams import Change, Streams

GUEST_ACCESS = "m.room.guest_access"


class GuestAccounts(Protocol):
    async def is_guest(self, user_id: str) -> bool: ...


class GuestFarewell:
    """Follows the stream; in a room that was closed to guests, those of this server leave."""

    _log = Logger()

    def __init__(self, *, members: MemberStore, membership: Membership, accounts: GuestAccounts, streams: Streams) -> None:
        self._members = members
        self._membership = membership
        self._accounts = accounts
        streams.subscribe(self._follow)

    def _follow(self, changes: list[Change]) -> None:
        for change in changes:
            event = change.subject
            if change.kind == "event" and event is not None and event.type == GUEST_ACCESS and _closes(event):
                Deferred.fromCoroutine(self._empty(event.room_id))

    async def _empty(self, room_id: str) -> None:
        try:
            there = await self._members.local_joined(room_id)
        except Exception:
            self._log.failure("no guest could leave {room}", room=room_id)
            return
        for user_id in there:
            await self._see_off(room_id, user_id)

    async def _see_off(self, room_id: str, user_id: str) -> None:
        """One who cannot leave, banned a moment ago perhaps, keeps no other from leaving."""
        try:
            if await self._accounts.is_guest(user_id):
                await self._membership.leave(room_id, user_id)
        except Exception:
            self._log.failure("{user} could not leave {room}", user=user_id, room=room_id)


def _closes(event: StoredEvent) -> bool:
    return event.state_key == "" and event.is_shown and event.content.get("guest_access") != "can_join"
