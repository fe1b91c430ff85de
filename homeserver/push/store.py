"""What push asks of the storage."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from homeserver.rooms.store import StoredEvent


class OwnRules(NamedTuple):
    """What a user has set, as account data holds it; empty: nothing."""

    user_id: str
    push_rules: bytes
    ignored: bytes


class ListenerStore(Protocol):
    async def own_rules(self, room_id: str) -> list[OwnRules]:
        """Of the local users joined to the room those who have push rules of their own, or ignore somebody."""


class UnreadQuestion(NamedTuple):
    """Events up to `until` that count for a user: in the main timeline after `main`, in threads after `threads`.

    `quiet`: of what counts for everyone only what calls the user by name.
    """

    user_id: str
    room_id: str
    main: int
    threads: int
    until: int
    quiet: bool = False


class Unread(NamedTuple):
    """One event that counts for a user, or one of his own, with which he has read what was before it. `thread` None: the main timeline."""

    position: int
    thread: str | None
    highlight: bool
    is_own: bool = False


class UnreadStore(Protocol):
    async def unread(self, questions: Sequence[UnreadQuestion]) -> list[list[Unread]]:
        """For each question, oldest first; where there are very many the newest."""


class Earshot(NamedTuple):
    """A room in which a user hears: since he came in, and of plain messages if it is not quiet."""

    room_id: str
    since: int
    quiet: bool


class Heard(NamedTuple):
    event: StoredEvent
    highlight: bool


class NotificationStore(Protocol):
    async def heard(self, user_id: str, rooms: Sequence[Earshot], before: int | None, limit: int, *, highlights: bool) -> list[Heard]:
        """The newest events before a position that count for the user in those rooms, newest first. `highlights`: only those that highlight."""
