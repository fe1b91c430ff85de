"""Waiting for an upload that was announced (client-server API, "timeout_ms"). A waiter registers before it looks, so no arrival is missed."""

from twisted.internet.defer import Deferred

from homeserver.clock import Clock
from homeserver.media.store import MEDIA
from homeserver.streams import Change, Streams

Key = tuple[str, str]  # origin and media ID


class Arrivals:
    """Who waits for which file."""

    def __init__(self, streams: Streams, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[Key, set[Deferred[None]]] = {}
        streams.subscribe(self._see)

    def _see(self, changes: list[Change]) -> None:
        if not self._waiting:
            return
        for change in changes:
            if change.kind == MEDIA:
                # Another process tells only that something has come: all look again.
                keys = list(self._waiting) if change.subject is None else [change.subject]
                for waiter in [waiter for key in keys for waiter in self._waiting.pop(key, ())]:
                    _wake(waiter)

    def expect(self, key: Key) -> "Arrival":
        return Arrival(self._waiting, key, self._clock)


class Arrival:
    """`with arrivals.expect(key) as arrival:` look whether it is there, else `await arrival.within(ms)` and look again."""

    def __init__(self, waiting: dict[Key, set[Deferred[None]]], key: Key, clock: Clock) -> None:
        self._waiting = waiting
        self._key = key
        self._clock = clock
        self._waiter: Deferred[None] = Deferred()

    def __enter__(self) -> "Arrival":
        self._waiting.setdefault(self._key, set()).add(self._waiter)
        return self

    def __exit__(self, *_: object) -> None:
        others = self._waiting.get(self._key)
        if others is not None:
            others.discard(self._waiter)
            if not others:
                del self._waiting[self._key]

    async def within(self, milliseconds: int) -> None:
        """Returns when it has come, or that much later."""
        if self._waiter.called:
            return
        timer = self._clock.call_later(milliseconds / 1000, _wake, self._waiter)
        try:
            await self._waiter
        finally:
            if timer.active():
                timer.cancel()


def _wake(waiter: Deferred[None]) -> None:
    if not waiter.called:
        waiter.callback(None)
