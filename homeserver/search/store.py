"""What searching asks of the storage, and the records that travel. Only events that are shown and not redacted are searched.

The index of a room is a row of blocks without gaps between them. A block stands for a stretch of the stream and helps to find what is in it; before the
first and after the last one the events themselves are read.
"""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, Protocol

from homeserver.rooms.store import StoredEvent

MESSAGE, NAME, TOPIC = "m.room.message", "m.room.name", "m.room.topic"
SEARCHED = (MESSAGE, NAME, TOPIC)


class Row(NamedTuple):
    """An event that is searched, as far as an index is concerned."""

    position: int
    type: str
    body: bytes


class Found(NamedTuple):
    """An event that matches, how well, and which other event's text it is where it is an edit."""

    event: StoredEvent
    rank: int
    replaces: str | None


class Question(Protocol):
    """Asked in a reader thread: pure, and short for each event."""

    def candidates(self, block: bytes) -> Sequence[int]:
        """The positions of the events in a block that may match, in order."""

    def match(self, event: StoredEvent) -> Found | None:
        """None: it does not match."""


class Matches(NamedTuple):
    """The newest first. What is before the position `before` was not looked at yet; None: everything was."""

    found: list[Found]
    before: int | None


class Block(NamedTuple):
    """What happened in a room after position `since` up to `until`."""

    room_id: str
    since: int
    until: int
    body: bytes


Write = Callable[[Sequence[Row]], bytes]  # makes the body of a block, in a reader thread


class SearchStore(Protocol):
    async def find(self, room_id: str, question: Question, *, after: int, before: int, most: int) -> Matches:
        """Matches between two positions (both exclusive). Ends early once about `most` events have been looked at."""

    async def encrypted(self, room_ids: Collection[str]) -> set[str]:
        """Those of the rooms that are end-to-end encrypted."""


class IndexStore(Protocol):
    async def position(self) -> int:
        """Up to where the index has followed the stream; 0 at first."""

    async def set_position(self, position: int) -> None: ...

    async def touched(self, after: int, up_to: int) -> set[str]:
        """The rooms with events between those positions; of the position 0: all rooms."""

    async def encrypted(self, room_ids: Collection[str]) -> set[str]:
        """As of SearchStore."""

    async def drop(self, room_id: str) -> None:
        """Remove the index of a room."""

    async def missing(self, room_id: str, write: Write) -> Block | int:
        """The next block that the room's index lacks; where there is not enough for one yet: how much there is, of WHOLE."""

    async def keep(self, block: Block) -> None:
        """Write a block; one that is there already (another process was faster) stays."""

    async def stale(self) -> list[tuple[str, int]]:
        """Rooms and positions of redacted events whose blocks may still tell what they said."""

    async def renew(self, room_id: str, positions: Sequence[int], write: Write) -> None:
        """Write the blocks of these events anew; they are stale no longer."""


EACH, OTHERS = 8, 1  # how much an event adds to a block: one that is searched, any other
WHOLE = 256 * EACH
