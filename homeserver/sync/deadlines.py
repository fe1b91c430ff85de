"""Many waits with one timer: long polls come and go by the thousand, and nearly all end before their time."""

import heapq
from itertools import count
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from homeserver.clock import Clock

MIN_SWEEP = 1_000  # entries of waits that ended are swept out when they are more than this and than those that wait


class Waiter(Protocol):
    """A Deferred, or what is like one."""

    @property
    def called(self) -> object: ...

    def callback(self, result: None, /) -> object: ...


class Deadlines:
    """Fires a waiter with None when its time is over, unless it has fired before."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Waiter]] = []
        self._numbers = count()
        self._timer: IDelayedCall | None = None
        self._due = 0.0
        self._waiting = 0

    async def wait(self, waiter: Deferred[None], at: float) -> None:
        """Until the waiter fires, or `at` by the monotonic clock."""
        self.watch(waiter, at)
        try:
            await waiter
        finally:
            self.ended()

    def watch(self, waiter: Waiter, at: float) -> None:
        """`ended` is to be called when it waits no more."""
        heapq.heappush(self._heap, (at, next(self._numbers), waiter))
        self._waiting += 1
        if self._timer is None or at < self._due:
            self._arm(at)

    def ended(self) -> None:
        self._waiting -= 1
        if len(self._heap) > MIN_SWEEP and len(self._heap) > 2 * self._waiting:
            self._heap = [entry for entry in self._heap if not entry[2].called]
            heapq.heapify(self._heap)

    def _arm(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due = at
        self._timer = self._clock.call_later(max(0.0, at - self._clock.monotonic()), self._fire)

    def _fire(self) -> None:
        self._timer = None
        now = self._clock.monotonic()
        due = []
        while self._heap and (self._heap[0][0] <= now or self._heap[0][2].called):
            due.append(heapq.heappop(self._heap)[2])
        if self._heap:
            self._arm(self._heap[0][0])
        for waiter in due:
            if not waiter.called:
                waiter.callback(None)
