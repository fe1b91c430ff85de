"""How much each may have fetched from other servers: at once, and in the long run. Whoever fills this server's disk with others' files is slowed down."""

from collections.abc import Iterator
from contextlib import contextmanager

from homeserver.clock import Clock
from homeserver.errors import LimitExceeded

MOST_KNOWN = 10_000
SUPPOSED_BYTES = 4 * 2**20  # of a file that is on its way


class Bill:
    """What is fetched for somebody."""

    size = 0


class Allowance:
    """A bucket of bytes for each, kept as the time at which it is full again. What has begun may overdraw it, what follows waits."""

    def __init__(self, burst: int, per_second: int, clock: Clock) -> None:
        """`per_second` of 0: without end."""
        self._per_second = per_second
        self._room_s = burst / per_second if per_second else 0.0
        self._clock = clock
        self._full_at: dict[str, float] = {}

    @contextmanager
    def fetching(self, who: str) -> Iterator[Bill]:
        """Raises LimitExceeded for who has nothing left. `who` of "": somebody who is held to no limit."""
        bill = Bill()
        if not self._per_second or not who:
            yield bill
            return
        self._check(who)
        self._charge(who, SUPPOSED_BYTES)
        try:
            yield bill
        finally:
            self._charge(who, bill.size - SUPPOSED_BYTES)

    def _check(self, who: str) -> None:
        missing_s = self._full_at.get(who, 0.0) - self._clock.monotonic() - self._room_s
        if missing_s >= 0:
            raise LimitExceeded("You have had much fetched from other servers", retry_after_ms=int(missing_s * 1000) + 1000)

    def _charge(self, who: str, size: int) -> None:
        full_at = max(self._full_at.pop(who, 0.0), self._clock.monotonic())
        self._full_at[who] = full_at + size / self._per_second
        if len(self._full_at) > MOST_KNOWN:
            del self._full_at[next(iter(self._full_at))]  # who has asked for nothing for the longest time
