"""A loop for tests that need real threads and real time, without a reactor: it runs until what was asked for has ended."""

import time
from collections.abc import Awaitable, Callable, Coroutine
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock as Timers

from storage.drivers.threads import LoopThreads

T = TypeVar("T")


class ThreadLoop:
    """Also a `homeserver.clock.Clock`, on the machine's time."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._timers = Timers()
        self._began = time.monotonic()
        self.threads = LoopThreads(self._calls.put, self._calls.put)

    def run(self, task: Coroutine[Any, Any, T] | Deferred[T] | Awaitable[T], seconds: float = 60) -> T:
        """Turn the loop until the task is done; its result, or its exception."""
        waiting = task if isinstance(task, Deferred) else Deferred.fromCoroutine(_await(task))
        outcome: list[Any] = []
        failures: list[BaseException] = []
        waiting.addCallbacks(outcome.append, lambda failure: failures.append(failure.value))
        deadline = time.monotonic() + seconds
        while not outcome and not failures:
            self.turn()
            if time.monotonic() > deadline:
                raise TimeoutError("the task did not end")
        if failures:
            raise failures[0]
        return outcome[0]  # type: ignore[no-any-return]

    def turn(self) -> None:
        """One call, or a short wait for one."""
        try:
            call = self._calls.get(timeout=0.005 if self._timers.getDelayedCalls() else 0.05)
        except Empty:
            pass
        else:
            call()
        self._timers.advance(max(0.0, self.monotonic() - self._timers.seconds()))

    def now_ms(self) -> int:
        return int(time.time() * 1000)

    def monotonic(self) -> float:
        return time.monotonic() - self._began

    def call_later(self, seconds: float, call: Callable[..., Any], *args: Any) -> IDelayedCall:
        return self._timers.callLater(seconds, call, *args)

    def sleep(self, seconds: float) -> Deferred[None]:
        done: Deferred[None] = Deferred(lambda _: timer.cancel())
        timer = self.call_later(seconds, done.callback, None)
        return done


async def _await(task: Awaitable[T]) -> T:
    return await task
