"""Long work in pieces, so that a loop that is also a homeserver's has time for others in between."""

from collections.abc import AsyncIterator, Sequence
from typing import Final, TypeVar

from appservices.assistant.runtime import Clock

T = TypeVar("T")
_AT_ONCE: Final = 40  # devices: some milliseconds


async def in_slices(items: Sequence[T], clock: Clock) -> AsyncIterator[Sequence[T]]:
    for start in range(0, len(items), _AT_ONCE):
        if start:
            await clock.sleep(0)
        yield items[start : start + _AT_ONCE]
