"""Time and chance as arguments: no part asks the wall clock, a random source or the reactor by itself.

`main` builds the real ones, tests and the simulator build seeded ones.
"""

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall


class Clock(Protocol):
    """Where time comes from. Wall time is only shown and stored; durations are measured by `monotonic`."""

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch."""

    def monotonic(self) -> float:
        """Seconds on a clock that never jumps."""

    def call_later(self, seconds: float, call: Callable[..., Any], *args: Any) -> IDelayedCall:
        """Run `call` after that many seconds; the answer can be cancelled."""

    def sleep(self, seconds: float) -> Deferred[None]:
        """Fires after that many seconds; cancelling it cancels the timer."""


class Chance(Protocol):
    """Where unpredictable bytes come from."""

    def token_bytes(self, count: int) -> bytes: ...

    def token(self, length: int) -> str:
        """That many characters of [A-Za-z0-9], about 5.95 bits each."""

    def uniform(self, low: float, high: float) -> float:
        """For jitter only."""
