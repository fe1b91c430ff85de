"""What sync asks of the storage beside what rooms do."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class UnreadQuestion(NamedTuple):
    """Notifying events up to `until`: in the main timeline after `main`, in threads after `threads`."""

    user_id: str
    room_id: str
    main: int
    threads: int
    until: int


class Unread(NamedTuple):
    """One event that counts for a user, or one of his own, with which he has read what was before it. `thread` None: the main timeline."""

    position: int
    thread: str | None
    highlight: bool
    is_own: bool = False


class UnreadStore(Protocol):
    async def unread(self, questions: Sequence[UnreadQuestion]) -> list[list[Unread]]:
        """For each question, oldest first; where there are very many the newest."""
