"""Keeps the garbage collector's pauses short: what has come to stay is looked at once.

Python's full collection goes through every object there is, which in a server with full caches takes over a tenth of a second, and finds next to
nothing: our own parts leave no cycles behind. So it does not run of its own accord. Instead what is new is gone through every few seconds and then set
apart (`gc.freeze`). Cycles that form among what was set apart are found when everything is gone through again: once it has grown by half and there is
nothing else to do.
"""

import gc
from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall

from homeserver.clock import Clock

PERIOD = 5.0  # seconds from look to look
QUIET = 0.01  # share of a processor that was used at most, for there to be nothing else to do
COUNTED_EVERY = 12  # looks; counting goes through everything, if quickly
GROWN, OVERGROWN = 1.5, 4.0  # times what was there after the last look at everything; the latter does not wait for quiet
NEVER = 1_000_000_000
YOUNGEST = 5_000  # objects that came and stayed before they are looked at; what comes together, as a room's events do, is not all looked at over and over
MIDDLE = 5  # such looks before what stayed through them is looked at again: 25,000 objects take two milliseconds


class GarbageCollector(Protocol):
    """What Heap needs of `gc`."""

    def collect(self) -> int: ...

    def freeze(self) -> None: ...

    def unfreeze(self) -> None: ...

    def get_freeze_count(self) -> int: ...

    def get_threshold(self) -> tuple[int, int, int]: ...

    def set_threshold(self, youngest: int, middle: int, oldest: int, /) -> None: ...

    def enable(self) -> None: ...


class Heap:
    """Works from `start` to `stop`. What stands at the start is never gone through at all, unless with everything."""

    def __init__(self, clock: Clock, processor_seconds: Callable[[], float], collector: GarbageCollector = gc) -> None:
        self._clock = clock
        self._processor_seconds = processor_seconds
        self._gc = collector
        self._thresholds = collector.get_threshold()
        self._timer: IDelayedCall | None = None
        self._used = 0.0
        self._restless = False  # there was something to do before the last look
        self._settled = 0  # objects after the last look at everything
        self._looks = 0

    def start(self) -> None:
        self._gc.set_threshold(YOUNGEST, MIDDLE, NEVER)
        self._gc.freeze()
        self._gc.enable()
        self._wait()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._gc.unfreeze()
            self._gc.set_threshold(*self._thresholds)

    def _wait(self) -> None:
        self._used = self._processor_seconds()
        self._timer = self._clock.call_later(PERIOD, self._look)

    def _look(self) -> None:
        if not self._settled:  # not at the start, which counting would draw out
            self._settled = self._gc.get_freeze_count()
        busy = self._processor_seconds() - self._used > QUIET * PERIOD
        if busy or self._restless:
            self._set_apart()
            self._looks += 1
            if self._looks % COUNTED_EVERY == 0 and self._gc.get_freeze_count() > self._settled * (OVERGROWN if busy else GROWN):
                self._gc.unfreeze()
                self._set_apart()
                self._settled = self._gc.get_freeze_count()
        self._restless = busy
        self._wait()

    def _set_apart(self) -> None:
        self._gc.collect()
        self._gc.freeze()
