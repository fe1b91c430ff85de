"""What outgoing traffic asks of the database, and the records that travel."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from homeserver.rooms.store import StoredEvent

LETTER = "outgoing_letter"  # Change.kind: there is a message to devices of another server; the subject is that server


class Behind(NamedTuple):
    """A server that has not got everything."""

    destination: str
    position: int  # of changes of keys it was told up to here
    rooms: Mapping[str, int]  # room → up to where it has our events


class Letter(NamedTuple):
    """A message to devices of another server; `content` is that of its m.direct_to_device, canonical JSON."""

    position: int
    content: bytes


class OutboundStore(Protocol):
    async def position(self) -> int | None:
        """Up to where it was seen to that everybody is told; None: it was never written down."""

    async def behind(self) -> Sequence[Behind]: ...

    async def save(self, position: int, behind: Sequence[Behind], caught_up: Sequence[str]) -> None:
        """Of each server behind, the rooms named in addition to those that are stored."""

    async def servers_in(self, room_id: str) -> set[str]:
        """Other servers with joined members."""

    async def events(self, after: int, until: int, most: int) -> Sequence[StoredEvent]:
        """Events of our own users, and those that are to be passed on, in order."""

    async def newest(self, rooms: Mapping[str, int], until: int) -> Sequence[tuple[str, int]]:
        """Those of the rooms with such an event after the position given, and its position; latest first."""

    async def owed(self, room_id: str, after: int, until: int, most: int) -> Sequence[StoredEvent]:
        """Such events of the room, in order; where there are more than that, the newest alone."""

    async def keys_changed(self, after: int, until: int) -> Sequence[tuple[str, int]]:
        """Users of ours whose keys changed for everybody, and where."""


class LetterStore(Protocol):
    async def post(self, letters: Mapping[str, bytes], message_id: str, most: int) -> bool:
        """By server; one that waits under the same ID stays. Announces LETTER. False, and nothing stored: a server has that many waiting."""

    async def destinations(self) -> Sequence[str]:
        """Servers for which there is something."""

    async def waiting(self, destination: str, most: int) -> Sequence[Letter]: ...

    async def remove(self, destination: str, until: int) -> None: ...

    async def forget(self, before_ms: int, most: int) -> int:
        """Of servers that do not answer since then, at most so many; how many there were."""
