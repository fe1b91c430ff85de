"""What reading rooms asks of the storage. Only events that are shown, and only committed ones; all lists are oldest first."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, Protocol

from homeserver.protocol.event import StateKey
from homeserver.rooms.store import StoredEvent


class Stretch(NamedTuple):
    """A question: the newest `limit` events of a room after position `since`, up to `until`."""

    room_id: str
    since: int
    until: int
    limit: int


class Window(NamedTuple):
    """The answer. `limited`: there were more after `since` than the limit."""

    events: list[StoredEvent]
    limited: bool


class TimelineStore(Protocol):
    """Reads of room timelines in stream order."""

    async def windows(self, stretches: Sequence[Stretch]) -> list[Window]: ...

    async def roots_at(self, places: Sequence[tuple[str, int]]) -> list[bytes | None]:
        """For each (room ID, position): the state's root after the last event up to there; None where there is none."""

    async def last_changes(self, room_ids: Iterable[str]) -> dict[str, int]:
        """The position of each room's last event or receipt."""

    async def current_state(self, room_id: str, addresses: Iterable[StateKey]) -> dict[StateKey, StoredEvent]:
        """Current state events, members too."""

    async def current_without_members(self, room_ids: Iterable[str]) -> dict[str, tuple[bytes, set[int]]]:
        """Room ID → (root of the current state, numbers of its events but the memberships), at one moment; all must exist."""

    async def heroes(self, room_ids: Collection[str], user_id: str, limit: int) -> dict[str, list[str]]:
        """Room ID → up to `limit` members (joined or invited, else those who left), oldest first, without the user."""

    async def counts(self, room_ids: Iterable[str]) -> dict[str, tuple[int, int]]:
        """Room ID → (joined, invited)."""
