"""A reactor of our own, that nobody else in the tests sees."""

import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.interfaces import IDelayedCall

from appservices.assistant.runtime import MachineClock

T = TypeVar("T")
PATIENCE_SECONDS: Final = 60.0
A_SECOND: Final = 10.0  # what is promised within a second may take ten on the busiest of machines


class Loop:
    def __init__(self) -> None:
        self.reactor: Any = EPollReactor()
        self.reactor.startRunning(installSignalHandlers=False)

    def run(self, coroutine: Coroutine[Any, Any, T], seconds: float = PATIENCE_SECONDS) -> T:
        outcome: list[T] = []
        failures: list[BaseException] = []
        waiting = Deferred.fromCoroutine(coroutine)
        waiting.addCallbacks(outcome.append, lambda failure: failures.append(failure.value))
        self.until(lambda: bool(outcome or failures), seconds)
        if failures:
            raise failures[0]
        return outcome[0]

    def until(self, condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            self.reactor.iterate(0.01)
            if time.monotonic() > deadline:
                raise TimeoutError("it did not happen")

    def turn(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.reactor.iterate(0.01)

    def close(self) -> None:
        self.reactor.fireSystemEvent("shutdown")
        self.turn(0.1)


HASTE: Final = 5.0  # seconds of the tests in one of the machine
NOON_MS: Final = 1_763_985_600_000  # 2025-11-24 12:00 UTC: no day ends while a test runs


class MovedClock(MachineClock):
    """The machine's in haste, that can be set forward; for everybody it was noon when it was made."""

    def __init__(self, reactor: Any) -> None:
        super().__init__(reactor)
        self.ahead = 0.0
        self._began_ms = super().now_ms()

    def now_ms(self) -> int:
        return NOON_MS + super().now_ms() - self._began_ms + int(self.ahead * 1000)

    def monotonic(self) -> float:
        return super().monotonic() * HASTE + self.ahead

    def call_later(self, seconds: float, call: Callable[..., Any], *args: Any) -> IDelayedCall:
        return super().call_later(seconds / HASTE, call, *args)
