"""Fills a page past what its reader may not see or does not want, with bounded work and certain progress."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from homeserver.rooms.reading.history import Seen
from homeserver.rooms.reading.place import Place, Span, after, before
from homeserver.rooms.store import StoredEvent

MAX_READ = 4_000  # events looked at for one page
MAX_STEP = 500

Read = Callable[[Span, int], Awaitable[list[StoredEvent]]]
Judge = Callable[[list[StoredEvent]], Awaitable[list[Seen]]]


class Filled(NamedTuple):
    """`end`: where to read on; None at the true end."""

    seen: list[Seen]
    end: Place | None
    last: StoredEvent | None  # the last event read


async def fill(read: Read, judge: Judge, span: Span, *, backwards: bool, limit: int) -> Filled:
    """Up to `limit` events of the span. It may give fewer and an `end` when much had to be passed over."""
    seen: list[Seen] = []
    last: StoredEvent | None = None
    step, looked_at = limit + 1, 0
    while True:
        events = await read(span, step)
        visible = await judge(events)
        wanted = limit - len(seen)
        if len(visible) > wanted:
            seen.extend(visible[:wanted])
            return Filled(seen, place_beyond(seen[-1].event, backwards), seen[-1].event)
        seen.extend(visible)
        last = events[-1] if events else last
        if len(events) < step or last is None:
            return Filled(seen, None, last)
        looked_at += len(events)
        if len(seen) == limit or looked_at >= MAX_READ:
            return Filled(seen, place_beyond(last, backwards), last)
        span = span.beyond(last, backwards=backwards)
        step = min(max(step * 2, 100), MAX_STEP)


def place_beyond(event: StoredEvent, backwards: bool) -> Place:
    return before(event) if backwards else after(event)
