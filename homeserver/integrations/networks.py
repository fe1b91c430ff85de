"""Networks beside Matrix to which application services build bridges: what is asked of them (client-server API, "Third-party Networks").

Filled by the application services; where none is registered, no network is known.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

Found = Sequence[Mapping[str, Any]]


class ThirdPartyNetworks(Protocol):
    async def protocols(self) -> Mapping[str, Mapping[str, Any]]:
        """Protocol to its description; what several services say of one is put together."""

    async def protocol(self, name: str) -> Mapping[str, Any] | None: ...

    async def locations(self, protocol: str, fields: Mapping[str, str]) -> Found:
        """Rooms that are portals to this place."""

    async def users(self, protocol: str, fields: Mapping[str, str]) -> Found:
        """Users of this server who stand for this person."""

    async def locations_of(self, room_alias: str) -> Found:
        """The places that the room is a portal to."""

    async def users_of(self, user_id: str) -> Found:
        """The people for whom the user stands."""


class Pings(Protocol):
    async def ping(self, appservice: str, transaction_id: str | None) -> int:
        """Asks the application service whether it is there (application-service API, "Pinging"): after how many milliseconds it answered.

        Raises a MatrixError that says why it did not."""


class NoNetworks:
    """ThirdPartyNetworks where no application service is registered."""

    async def protocols(self) -> Mapping[str, Mapping[str, Any]]:
        return {}

    async def protocol(self, name: str) -> Mapping[str, Any] | None:  # part of the port
        return None

    async def locations(self, protocol: str, fields: Mapping[str, str]) -> Found:  # part of the port
        return ()

    async def users(self, protocol: str, fields: Mapping[str, str]) -> Found:  # part of the port
        return ()

    async def locations_of(self, room_alias: str) -> Found:  # part of the port
        return ()

    async def users_of(self, user_id: str) -> Found:  # part of the port
        return ()
