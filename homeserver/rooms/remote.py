"""What rooms ask of other servers; `federation` fills it. A server without federation knows no rooms but its own."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from homeserver.errors import Forbidden, NotFound
from homeserver.protocol.event import Event


class RemoteRooms(Protocol):
    """Handshakes and questions across servers. All raise MatrixError when no server could help."""

    def check_reach(self, user_id: str) -> None:
        """Raises MatrixError where this server talks to no server of that user's, so that it need not be tried."""

    async def join(
        self, room_id: str, user_id: str, content: Mapping[str, Any], servers: Sequence[str], *, though_here: bool = False
    ) -> bool:
        """Join through one of the servers; the room is known here afterwards. False: this server has come to be in the room meanwhile, so that
        none is needed; `though_here`: one is needed all the same, to vouch for the user."""

    async def knock(self, room_id: str, user_id: str, content: Mapping[str, Any], servers: Sequence[str]) -> None: ...

    async def leave(self, room_id: str, user_id: str, content: Mapping[str, Any]) -> None:
        """Reject an invite or retract a knock, in a room no local user is joined to; also where no server of it can be reached."""

    async def invite(self, event: Event, shown: Sequence[Mapping[str, Any]]) -> None:
        """Let the invited user's server sign the invite, and bring it into the room. `shown`: what is told of the room."""


class Unfederated:
    """RemoteRooms of a server that talks to no other."""

    def check_reach(self, user_id: str) -> None:
        raise Forbidden("This server talks to no other, so it cannot invite their users")

    async def join(
        self, room_id: str, user_id: str, content: Mapping[str, Any], servers: Sequence[str], *, though_here: bool = False
    ) -> bool:
        if though_here:
            raise Forbidden("Nobody on this server may vouch for the join")
        raise NotFound("No known servers are in this room")

    async def knock(self, room_id: str, user_id: str, content: Mapping[str, Any], servers: Sequence[str]) -> None:
        raise NotFound("No known servers are in this room")

    async def leave(self, room_id: str, user_id: str, content: Mapping[str, Any]) -> None:
        raise NotFound("This server does not know the room")

    async def invite(self, event: Event, shown: Sequence[Mapping[str, Any]]) -> None:
        self.check_reach(event.state_key or "")
