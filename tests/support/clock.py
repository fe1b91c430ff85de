"""Time that moves when told, chance that repeats."""

from collections.abc import Callable
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock as TwistedClock

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class FakeClock:
    """Stands still until `advance`; wall time goes along and may be set apart from it with `set_wall_ms`."""

    def __init__(self, wall_ms: int = 1_700_000_000_000) -> None:
        self.reactor = TwistedClock()
        self._wall_offset_ms = wall_ms

    def now_ms(self) -> int:
        return self._wall_offset_ms + int(self.reactor.seconds() * 1000)

    def monotonic(self) -> float:
        return float(self.reactor.seconds())

    def call_later(self, seconds: float, call: Callable[..., Any], *args: Any) -> IDelayedCall:
        return self.reactor.callLater(seconds, call, *args)

    def sleep(self, seconds: float) -> Deferred[None]:
        done: Deferred[None] = Deferred(lambda _: timer.cancel())
        timer = self.call_later(seconds, done.callback, None)
        return done

    def advance(self, seconds: float) -> None:
        """Let time pass; what is due runs, in order."""
        self.reactor.advance(seconds)

    def set_wall_ms(self, wall_ms: int) -> None:
        """Step the wall clock; durations do not notice."""
        self._wall_offset_ms = wall_ms - int(self.reactor.seconds() * 1000)

    def waiting(self) -> int:
        """How many timers are set."""
        return len(self.reactor.getDelayedCalls())


class SeededChance:
    """The same seed gives the same bytes."""

    def __init__(self, seed: int = 0) -> None:
        self._random = Random(seed)

    def token_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def token(self, length: int) -> str:
        return "".join(self._random.choices(LETTERS, k=length))

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)
