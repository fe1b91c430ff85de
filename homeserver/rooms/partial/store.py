"""What is asked of the storage about rooms whose state is known in part, or was, and the records that travel."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from homeserver.protocol.event import StateKey
from homeserver.rooms.store import EventCommit, MemberChange, RoomRecord, StoredEvent

PARTIAL_ROOM: Final = "partial"  # kind of the Change that tells of a room entered in part; its subject: the servers said to be in it
WHOLE_ROOM: Final = "whole"  # of the one that tells that a room is whole; its subject: a `WholeNews`


class PartialRecord(NamedTuple):
    """A room that was entered in part. `servers`: those said to be in it, the likeliest to answer first; empty when it is whole by now."""

    room_id: str
    servers: Sequence[str]
    whole_position: int  # where it became so; 0: it is not


class WholeNews(NamedTuple):
    """`unsaid`: servers that had members in the room and were not known to; `gone`: users who were thought to be in it."""

    unsaid: frozenset[str]
    gone: frozenset[str]


class Completion(NamedTuple):
    """All that changes when a room becomes whole; written at once or not at all."""

    room: RoomRecord
    judged: Sequence[StoredEvent]  # with their states and flags as they are now
    revived: Sequence[EventCommit]  # of those: they were refused, and take their positions now
    fallen: Sequence[StoredEvent]  # of those: they are refused now, and count for nobody
    restored: Sequence[EventCommit]  # events that somebody redacted who could not, as they were; or redacted by another by now
    nodes: Mapping[bytes, bytes]
    passed: Collection[bytes]  # states of these nodes that may be no event's: those it was resolved from
    root: bytes
    ends_gone: Collection[int]
    ends_come: Collection[int]
    current_state: Mapping[StateKey, int | None]  # what changes of it, without memberships
    members: Sequence[tuple[StoredEvent, MemberChange]]
    joined_delta: int
    invited_delta: int
    local_joined_delta: int
    news: WholeNews


class PartialStore(Protocol):
    async def rooms(self) -> list[PartialRecord]:
        """All rooms that were ever entered in part."""

    async def events(self, room_id: str) -> list[StoredEvent]:
        """The room's events whose state is known in part, as they are stored."""

    async def withheld(self, room_id: str) -> list[StoredEvent]:
        """Events that were redacted while the room was known in part, with what stood in them."""

    async def put_members(self, room: RoomRecord, members: Sequence[tuple[StoredEvent, MemberChange]]) -> None:
        """Some of those who were not known, ahead of `finish`, so that this is a short write: nobody is told, and it may be done again."""

    async def finish(self, completion: Completion) -> None:
        """Announced as Change(WHOLE_ROOM), and each membership that was known and is another."""


class LeftRoom(NamedTuple):
    """A room that left nodes behind when it became whole, at that position."""

    room_num: int
    room_id: str
    whole_position: int


class LeftStates(Protocol):
    """Writes return False, having done nothing, when the room is not as it was: it is known in part again, or was and is whole anew."""

    async def rooms(self, due_ms: int) -> list[LeftRoom]:
        """Whole rooms with nodes that nobody has looked at, or that were dated up to then."""

    async def roots(self, room_num: int, after: int, limit: int) -> tuple[set[bytes], int | None]:
        """Those named by the room, and by its next events after that place in its graph; and the last place, None: there are no more."""

    async def nodes(self, node_ids: Sequence[bytes]) -> dict[bytes, bytes]: ...

    async def noted(self, room: LeftRoom, after: bytes, limit: int) -> list[bytes]:
        """Nodes that nobody has looked at, in order."""

    async def dated(self, room: LeftRoom, due_ms: int, after: bytes, limit: int) -> list[bytes]:
        """Nodes dated up to then, in order."""

    async def date(self, room: LeftRoom, node_ids: Sequence[bytes], now_ms: int) -> bool:
        """Those that have no date yet."""

    async def forget(self, room: LeftRoom, node_ids: Sequence[bytes]) -> bool:
        """They are part of a state, and no longer noted or dated."""

    async def remove(self, room: LeftRoom, node_ids: Sequence[bytes], due_ms: int) -> int | None:
        """Those that are still dated up to then; how many that were, None for False."""
