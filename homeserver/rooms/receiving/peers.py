"""What is asked of other servers about a room; `federation` fills it.

Every event that is handed over is of the right format, belongs to the room, has the ID that was asked for and bears the signatures it needs; one that
does not is left out. Servers that cannot be reached, or refuse, count as having nothing.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from homeserver.protocol.event import Event
from homeserver.protocol.room_versions import RoomVersion


class Subject(NamedTuple):
    """The room, and whom to ask: the likeliest first."""

    room_id: str
    version: RoomVersion
    servers: Sequence[str]


class StateNames(NamedTuple):
    """The state before an event, and the events by which it was authorised, by their IDs."""

    state: Sequence[str]
    auth: Sequence[str]
    told_by: str = ""  # the server that said so


class RoomPeers(Protocol):
    async def missing_events(self, room: Subject, *, earliest: Sequence[str], latest: Sequence[str], limit: int) -> list[Event]:
        """Events between those; POST /get_missing_events."""

    async def state_names(self, room: Subject, event_id: str) -> StateNames | None:
        """GET /state_ids."""

    async def state(self, room: Subject, event_id: str) -> list[Event] | None:
        """The state before an event and its chain, and the event itself, as far as they are sound; None: nobody tells. GET /state, GET /event."""

    async def events(self, room: Subject, event_ids: Collection[str], *, around: str) -> list[Event]:
        """Those of the events that can be had: one by one (GET /event), or where they are many with the whole state before `around` (GET /state)."""

    async def auth_chain(self, room: Subject, event_id: str) -> list[Event]:
        """GET /event_auth."""

    async def backfill(self, room: Subject, event_ids: Sequence[str], limit: int) -> list[Event]:
        """The events and what came before them; GET /backfill."""


class NoPeers:
    """RoomPeers of a server that talks to no other."""

    async def missing_events(self, room: Subject, *, earliest: Sequence[str], latest: Sequence[str], limit: int) -> list[Event]:
        return []

    async def state_names(self, room: Subject, event_id: str) -> StateNames | None:
        return None

    async def state(self, room: Subject, event_id: str) -> list[Event] | None:
        return None

    async def events(self, room: Subject, event_ids: Collection[str], *, around: str) -> list[Event]:
        return []

    async def auth_chain(self, room: Subject, event_id: str) -> list[Event]:
        return []

    async def backfill(self, room: Subject, event_ids: Sequence[str], limit: int) -> list[Event]:
        return []
