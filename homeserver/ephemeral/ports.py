"""What typing, receipts and presence ask of their neighbours and of the rooms below."""

from collections.abc import Collection
from typing import NamedTuple, Protocol


class RoomMembers(Protocol):
    """A part of `homeserver.rooms.member_store.MemberStore`."""

    async def is_joined(self, room_id: str, user_id: str) -> bool: ...

    async def joined_rooms(self, user_id: str) -> Collection[str]:
        """The IDs of the rooms the user is joined to."""


class EventPlace(NamedTuple):
    """Where an event stands. `thread` is the root of the thread it is in, if any; `ancestors` are the events it relates to, over at most three steps."""

    room_num: int
    position: int
    thread: str | None
    ancestors: frozenset[str]

    def belongs_to(self, event_id: str, thread_id: str) -> bool:
        """Whether a receipt at this event may name that thread ("main" or a root's event ID)."""
        if thread_id == "main":
            return self.thread is None
        return thread_id in (self.thread, event_id) or thread_id in self.ancestors


class EventPlaces(Protocol):
    async def place(self, room_id: str, event_id: str, *, relations: bool) -> EventPlace | None:
        """None when the room's timeline has no such event. Without `relations` nothing is known of its thread."""


class FullyRead(Protocol):
    """The fully-read marker, which account data keeps."""

    async def mark_fully_read(self, user_id: str, room_id: str, event_id: str, event_position: int) -> None: ...
