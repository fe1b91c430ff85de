"""What finding rooms asks of the outside: other servers, application services, the one who asks."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from homeserver.errors import NotFound


class Actor(Protocol):
    """Who wants to change something (the edge's `Caller` is one)."""

    @property
    def user_id(self) -> str: ...

    @property
    def is_admin(self) -> bool: ...

    @property
    def appservice(self) -> str | None:
        """ID of the application service that calls."""


class RemoteSpace(NamedTuple):
    """A room and its children as another server tells of them; the children hold no `children_state`."""

    room: Mapping[str, Any]
    children: Sequence[Mapping[str, Any]]
    inaccessible: frozenset[str]


class RemoteDirectory(Protocol):
    """Questions to other servers; answers are checked for their shape alone."""

    async def public_rooms(self, server: str, query: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answer of that server's directory to the body of `POST /publicRooms`; a MatrixError when it gives none."""

    async def resolve_alias(self, alias: str) -> tuple[str, list[str]]:
        """(room ID, servers to ask for it); a MatrixError when there is no such alias, or its server cannot be asked."""

    async def space(self, room_id: str, servers: Sequence[str], suggested_only: bool) -> RemoteSpace | None:
        """What the first of the servers to answer says of the room; None when none does, or may."""


class AliasOwners(Protocol):
    """The application services and their namespaces of aliases."""

    def owner(self, alias: str) -> str | None:
        """The ID of the service that alone may use the alias."""

    def owns(self, appservice: str, alias: str) -> bool:
        """Whether the alias lies in the namespaces of that service."""

    async def provide(self, alias: str) -> bool:
        """Ask the service whose namespace the alias is in to make it; True: look again."""


class NoRemoteDirectory:
    """RemoteDirectory of a server that talks to no other."""

    async def public_rooms(self, server: str, query: Mapping[str, Any]) -> Mapping[str, Any]:
        raise NotFound("This server talks to no other")

    async def resolve_alias(self, alias: str) -> tuple[str, list[str]]:
        raise NotFound("There is no such alias")

    async def space(self, room_id: str, servers: Sequence[str], suggested_only: bool) -> RemoteSpace | None:
        return None
