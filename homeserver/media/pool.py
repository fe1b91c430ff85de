"""Work that takes long, in a few threads of its own: a storm of thumbnails never delays messages."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from twisted.internet.defer import Deferred

from homeserver.errors import LimitExceeded

T = TypeVar("T")
RETRY_MS = 2000


class Pool(Protocol):
    def submit(self, job: Callable[[], T], done: Callable[[T, BaseException | None], None]) -> None:
        """Run `job` elsewhere, then `done(result, None)` or `done(None, error)` on the loop."""


class Workbench:
    """Refuses work beyond its queue."""

    def __init__(self, pool: Pool, queue: int) -> None:
        self._pool = pool
        self._queue = queue
        self._waiting = 0

    async def run(self, job: Callable[[], T]) -> T:
        if self._waiting >= self._queue:
            raise LimitExceeded("Too many pictures are being worked on just now", retry_after_ms=RETRY_MS)
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
