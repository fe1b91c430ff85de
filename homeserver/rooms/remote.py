"""What rooms ask of other servers; `federation` fills it. A server without federation knows no rooms but its own."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from homeserver.errors import Forbidden, NotFound
from homeserver.rooms.store import StoredEvent


class RemoteRooms(Protocol):
    """Handshakes and questions across servers. All raise MatrixError when no server could help."""

    async def join(self, room_id: str, user_id: str, content: Mapping[str, Any], servers: Sequence[str]) -> None:
        """Join through one of the servers; the room is known here afterwards."""

    async def knock(self, room_id: str, user_id: str, content: Mapping[str, Any], servers: Sequence[str]) -> None: ...

    async def leave(self, room_id: str, user_id: str, content: Mapping[str, Any]) -> None:
        """Reject an invite, retract a knock, or leave, in a room no local user is joined to."""

    async def invite(self, event: StoredEvent, stripped: Sequence[Mapping[str, Any]]) -> None:
        """Let the invited user's server sign the invite before it is stored."""


class Unfederated:
    """RemoteRooms of a server that talks to no other."""

    async def join(self, room_id: str, user_id: str, content: Mapping[str, Any], servers: Sequence[str]) -> None:
        raise NotFound("No known servers are in this room")

    async def knock(self, room_id: str, user_id: str, content: Mapping[str, Any], servers: Sequence[str]) -> None:
        raise NotFound("No known servers are in this room")

    async def leave(self, room_id: str, user_id: str, content: Mapping[str, Any]) -> None:
        raise NotFound("This server does not know the room")

    async def invite(self, event: StoredEvent, stripped: Sequence[Mapping[str, Any]]) -> None:
        raise Forbidden("This server talks to no other, so it cannot invite their users")
