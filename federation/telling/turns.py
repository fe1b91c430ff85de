"""Questions that cost much: a few at a time for each server, some more wait, and the others are told to come back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from federation.slots import Slots
from homeserver.errors import LimitExceeded

AT_ONCE: Final = 4  # whole states, and joins
MOST_WAITING: Final = 40
SMALL_AT_ONCE: Final = 10  # single events, and a few of them
SMALL_MOST_WAITING: Final = 200
RETRY_MS: Final = 2_000


class Turns:
    """Whoever takes a turn leaves, once."""

    def __init__(self, at_once: int = AT_ONCE, most_waiting: int = MOST_WAITING) -> None:
        self._slots = Slots(at_once)
        self._most_waiting = most_waiting
        self._waiting: dict[str, int] = {}

    async def take(self, server_name: str) -> None:
        """Raises LimitExceeded."""
        waiting = self._waiting.get(server_name, 0)
        if waiting >= self._most_waiting:
            raise LimitExceeded("Your server asks for too much at a time", retry_after_ms=RETRY_MS)
        self._waiting[server_name] = waiting + 1
        try:
            await self._slots.take(server_name)
        finally:
            self._waiting[server_name] -= 1
            if not self._waiting[server_name]:
                del self._waiting[server_name]

    def leave(self, server_name: str) -> None:
        self._slots.leave(server_name)

    @asynccontextmanager
    async def hold(self, server_name: str) -> AsyncIterator[None]:
        await self.take(server_name)
        try:
            yield
        finally:
            self.leave(server_name)
