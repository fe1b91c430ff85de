"""What sliding sync asks of the storage."""

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from typing import NamedTuple, Protocol


class ConnectionKey(NamedTuple):
    user_id: str
    device_id: str
    conn_id: str


NO_WISH = -1  # no number of a wish for state: no room


class Told(NamedTuple):
    """What a client knows of a room; where the room ID is empty, of its user's global account data.

    `since` 0: it is as far as its token; else the position up to which it was told, and there is news after it. `depth`: it has that many of the
    newest events, if there are so many. `required`: the number of what it was told of the state. `flags`: see `connections.connection`.
    """

    since: int
    depth: int
    required: int
    flags: int


class StateChange(NamedTuple):
    """From one state of a connection to the next, with its number; None: the room is forgotten.

    `is_whole`: from nothing. `required`: what a client wants of rooms' states, as pairs of type and state key, by number.
    """

    number: int
    is_whole: bool
    required: Mapping[int, Sequence[tuple[str, str]]]
    rooms: Mapping[str, Told | None]


class CurrentState(NamedTuple):
    """Of a room: the root of its state, the numbers of some of its events, how many are joined and invited."""

    root: bytes
    numbers: Set[int]
    joined: int
    invited: int


class ConnectionStore(Protocol):
    """The connections of devices: for each its state some time ago and the changes since."""

    async def load(self, key: ConnectionKey) -> list[StateChange]:
        """In order, the first of them whole; empty for an unknown connection."""

    async def save(self, key: ConnectionKey, after: int, changes: Sequence[StateChange], now_ms: int) -> None:
        """Instead of all that is kept after that number; instead of everything where the first change is whole.

        A device has no more than a few connections: the ones that were not used for longest make way.
        """

    async def touch(self, key: ConnectionKey, now_ms: int) -> None:
        """It is in use."""


class RoomListStore(Protocol):
    """Of many rooms at once."""

    async def last_events(self, room_ids: Iterable[str]) -> dict[str, int]:
        """The position of each room's last shown event."""

    async def last_of_types(self, room_ids: Iterable[str], types: Collection[str]) -> dict[str, int]:
        """The position of each room's last shown event of one of these types, if there is any."""

    async def state_of_types(self, room_ids: Collection[str], types: Collection[str] | None) -> dict[str, CurrentState]:
        """The current state at one moment, with its events of these types (None: of all), memberships left out."""
