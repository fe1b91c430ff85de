"""What account data asks of the storage, and the records that travel. A `room_id` of "" means global."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import orjson

GLOBAL = ""

# From the present content (None: there is none) to the new one; None: leave it. It may raise to undo the whole.
Edit = Callable[[bytes | None], bytes | None]


class Entry:
    """One piece of account data as the ready event that clients are sent; the content of a deleted one is {}."""

    __slots__ = ("_content_at", "deleted", "event", "position", "room_id", "type")

    def __init__(self, room_id: str, type: str, content: bytes, position: int) -> None:
        """`content` is a JSON object; empty bytes: deleted."""
        head = b'{"type":' + orjson.dumps(type) + b',"content":'
        self._content_at = len(head)
        self.event = head + (content or b"{}") + b"}"
        self.deleted = not content
        self.position = position
        self.room_id = room_id
        self.type = type

    @property
    def content(self) -> bytes:
        return self.event[self._content_at : -1]

    def __repr__(self) -> str:
        return f"<Entry {self.position} {self.room_id} {self.type}>"


class Put(NamedTuple):
    """Write this content, whatever was there; empty bytes delete."""

    user_id: str
    room_id: str
    type: str
    content: bytes


class Marker(NamedTuple):
    """The fully-read marker is to stand at this event, unless it stands later already."""

    user_id: str
    room_id: str
    event_id: str
    event_position: int

    def content(self) -> bytes:
        return orjson.dumps({"event_id": str(self.event_id)})

    @staticmethod
    def event_of(content: bytes) -> str | None:
        """The event that a marker's content names."""
        event_id = orjson.loads(content).get("event_id")
        return event_id if isinstance(event_id, str) else None


class AccountDataStore(Protocol):
    """Each write takes a position and announces Change("account_data", room ID or None, user ID, subject=Entry)."""

    async def put(self, item: Put) -> Entry: ...

    async def edit(self, user_id: str, room_id: str, type: str, edit: Edit) -> Entry | None:
        """Read, change and write in one transaction; None when nothing was changed."""

    async def mark_read(self, marker: Marker) -> Entry | None:
        """Move m.fully_read forward; None when it stands as late already."""

    async def all(self, user_id: str) -> list[Entry]:
        """All of the user, deleted ones too, by position."""


class FilterStore(Protocol):
    async def put(self, user_id: str, filter_id: str, body: bytes) -> None:
        """The same again does no harm."""

    async def get(self, user_id: str, filter_id: str) -> bytes | None: ...

    async def count(self, user_id: str) -> int: ...
