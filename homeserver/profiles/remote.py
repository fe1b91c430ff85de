"""Profiles of users of other servers: the port that federation fills."""

from typing import Any, Protocol

from homeserver.errors import NotFound


class RemoteProfiles(Protocol):
    async def profile(self, user_id: str, field: str | None) -> dict[str, Any]:
        """All fields, or the named one; raises NotFound or whatever the other server says."""


class NoRemoteProfiles:
    """A server that knows no other."""

    async def profile(self, user_id: str, field: str | None) -> dict[str, Any]:
        raise NotFound(f"The profile of {user_id} cannot be looked up")
