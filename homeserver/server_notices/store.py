"""What server notices ask of the storage."""

from collections.abc import Sequence
from typing import Protocol


class NoticeStore(Protocol):
    async def room(self, user_id: str) -> str | None:
        """The user's room for notices."""

    async def claim(self, user_id: str, room_id: str, instead_of: str | None) -> bool:
        """From now on this is the user's room. False, and nothing done, when it was another than `instead_of` before."""

    async def people(self, after: str, limit: int) -> Sequence[str]:
        """Who may be told something: accounts of people that are not closed, in the order of their user IDs; `after`: the last of the page before."""
