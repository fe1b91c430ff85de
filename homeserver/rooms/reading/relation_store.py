"""What reading relations and threads asks of the storage. Relations of redacted events are gone; hidden events may be among the answers."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from homeserver.rooms.reading.place import Span
from homeserver.rooms.store import StoredEvent


class Children(NamedTuple):
    """A question for the events that relate to one; `depth`: over how many relations, None types: any."""

    room_id: str
    parent_id: str
    rel_type: str | None = None
    type: str | None = None
    depth: int = 1


class Referring(NamedTuple):
    """An event that refers to another."""

    num: int
    event_id: str
    position: int
    sender: str


class Thread(NamedTuple):
    """How many events stand in a thread, whether the reader wrote one of them, the number of the latest."""

    size: int
    participated: bool
    latest: int | None


class Kin(NamedTuple):
    """What is derived of an event's children. `replacements`: numbers, newest first; `references`: oldest first."""

    replacements: list[int]
    references: list[Referring]
    thread: Thread | None


class ThreadRoot(NamedTuple):
    """A thread's first event, and where its latest stands in the stream."""

    event: StoredEvent
    latest_position: int


class RelationStore(Protocol):
    """Reads of relations between events of one room."""

    async def has_annotation(self, room_num: int, parent_id: str, type: str, sender: str, key: str | None) -> bool: ...

    async def children(self, question: Children, span: Span, *, backwards: bool, limit: int) -> list[StoredEvent]:
        """In the order of the graph."""

    async def kin(self, room_id: str, parents: Collection[str], user_id: str, without: Collection[str]) -> dict[str, Kin]:
        """By parent; `without` the children by those senders. Replacements are by the parent's sender and of its type."""

    async def latest_in_thread(self, room_id: str, root_id: str, without: Collection[str], limit: int) -> list[int]:
        """Numbers, the latest first; `without` those senders."""

    async def thread_roots(self, room_id: str, participant: str | None, before: int, limit: int) -> Sequence[ThreadRoot]:
        """Threads whose latest event stands before that position, the latest first; of a participant only those with an event of his."""
