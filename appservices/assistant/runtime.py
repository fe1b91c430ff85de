"""Time and threads as arguments; the only module here that asks the machine for them.

The ports are those of the homeserver's own clock, so embedded in ChatMe the assistant runs on that one.
"""

import time
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.python.threadpool import ThreadPool


class Clock(Protocol):
    def now_ms(self) -> int: ...

    def monotonic(self) -> float: ...

    def call_later(self, seconds: float, call: Callable[..., Any], *args: Any) -> IDelayedCall: ...

    def sleep(self, seconds: float) -> Deferred[None]: ...


class Workers(Protocol):
    """Threads for what blocks: the model's client."""

    def start(self, work: Callable[[], None]) -> None:
        """Run it in a thread, some time."""

    def tell(self, call: Callable[..., Any], *args: Any) -> None:
        """From such a thread: call that on the loop."""


class MachineClock:
    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    def call_later(self, seconds: float, call: Callable[..., Any], *args: Any) -> IDelayedCall:
        timer: IDelayedCall = self._reactor.callLater(seconds, call, *args)
        return timer

    def sleep(self, seconds: float) -> Deferred[None]:
        def cancel(_: Deferred[None]) -> None:
            timer.cancel()

        done: Deferred[None] = Deferred(cancel)
        timer = self.call_later(seconds, done.callback, None)
        return done


class MachineWorkers:
    """A small pool of its own, so that a model that hangs takes no thread from anybody else."""

    def __init__(self, reactor: Any, count: int) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(0, count, "assistant")
        self._pool.start()

    def start(self, work: Callable[[], None]) -> None:
        self._pool.callInThread(work)

    def tell(self, call: Callable[..., Any], *args: Any) -> None:
        self._reactor.callFromThread(call, *args)

    def stop(self) -> None:
        self._pool.stop()
