"""Work that takes long, in a few threads of its own: a storm of logins or thumbnails never delays messages, and ends at a full queue."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from twisted.internet.defer import Deferred

from homeserver.errors import LimitExceeded

T = TypeVar("T")


class Pool(Protocol):
    """A few threads (`storage.drivers.threads`)."""

    def submit(self, job: Callable[[], T], done: Callable[[T, BaseException | None], None]) -> None:
        """Run `job` elsewhere, then `done(result, None)` or `done(None, error)` on the loop."""


class Workbench:
    """Refuses work beyond its queue with `refusal` (M_LIMIT_EXCEEDED)."""

    def __init__(self, pool: Pool, queue: int, refusal: str, *, retry_ms: int) -> None:
        self._pool = pool
        self._queue = queue
        self._refusal = refusal
        self._retry_ms = retry_ms
        self._waiting = 0

    async def run(self, job: Callable[[], T]) -> T:
        """The result of `job`, or its exception."""
        if self._waiting >= self._queue:
            raise LimitExceeded(self._refusal, retry_after_ms=self._retry_ms)
        finished: Deferred[T] = Deferred()

        def done(result: T, error: BaseException | None) -> None:
            self._waiting -= 1
            if error is None:
                finished.callback(result)
            else:
                finished.errback(error)

        self._waiting += 1
        self._pool.submit(job, done)
        return await finished
