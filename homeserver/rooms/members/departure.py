"""Leaving everything: what the end of an account does to its rooms."""

from collections.abc import Mapping

from twisted.logger import Logger

from homeserver.errors import MatrixError, Unavailable
from homeserver.protocol.errors import ProtocolError
from homeserver.rooms.member_store import MemberStore
from homeserver.rooms.members.erased import ErasedUsers
from homeserver.rooms.membership import Membership


class Departure:
    _log = Logger()

    def __init__(self, members: MemberStore, membership: Membership, erased: ErasedUsers) -> None:
        self._members = members
        self._membership = membership
        self._erased = erased

    def hide(self, since: Mapping[str, int]) -> None:
        self._erased.replace(since)

    async def leave_all(self, user_id: str) -> None:
        """Leave every room, refuse every invite, withdraw every knock. A room that cannot be left is passed over.

        Unavailable when the server cannot store it just now; to be called again then.
        """
        for record in await self._members.memberships_of(user_id, ("join", "invite", "knock")):
            try:
                await self._membership.leave(record.room_id, user_id, for_good=True)
            except Unavailable:
                raise
            except (MatrixError, ProtocolError) as error:
                self._log.warn("{user} could not leave {room}: {error}", user=user_id, room=record.room_id, error=error)
