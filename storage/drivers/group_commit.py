"""Group commit: what arrives together goes to disk in one transaction, each item with its own outcome.

A batch starts at the end of the loop's turn; what arrives while one is on its way forms the next. The order of arrival is kept, except that an item
of `write_grouped` joins the waiting items of its writer past those of other writers (never past a `write`).
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger

from homeserver.streams import Change, Streams
from storage.database import StorageUnavailable, WriteCursor
from storage.drivers.batch import GROUP_ITEMS, Batch, Entry, Group, Single, fail_all

T = TypeVar("T")
Item = TypeVar("Item")

BATCH_ITEMS = 1000
WAITING_ITEMS = 20_000  # more than this waits for a database that is gone or far too slow: refuse


class Written(Protocol):
    """What a transaction says of itself once it is on disk."""

    changes: list[Change]
    first: int | None
    last: int


class Carrier(Protocol):
    """A driver's way to bring a batch to disk."""

    def carry(self, batch: Batch, done: Callable[[Exception | None], None]) -> None:
        """Fill a transaction with the batch, commit it, then call `done` on the loop; with an error when all of it is lost."""

    @property
    def written(self) -> Written:
        """The last transaction that was committed; valid inside `done`."""


class CommitObserver(Protocol):
    """Who measures the commits (metrics, crash tests)."""

    def committing(self, items: int) -> None:
        """Before COMMIT, in whatever thread that is."""

    def committed(self, items: int, fill_seconds: float, commit_seconds: float, waiting: int) -> None:
        """On the loop, after a commit and before anybody hears of it."""

    def lost(self, items: int, waiting: int) -> None:
        """On the loop, after a transaction was lost."""


class GroupCommit:
    """The queue in front of a carrier."""

    _log = Logger()

    def __init__(
        self,
        carrier: Carrier,
        streams: Streams,
        *,
        soon: Callable[[Callable[[], None]], None],
        monotonic: Callable[[], float],
        observer: CommitObserver,
    ) -> None:
        self._carrier = carrier
        self._streams = streams
        self._soon = soon
        self._monotonic = monotonic
        self._observer = observer
        self._queue: deque[Entry] = deque()
        self._open: dict[Any, Group] = {}  # groups in the queue that still take items, by writer
        self._busy = False  # a batch is on its way, or about to start
        self._starting = False  # `_start` is running: `_finish` returns to its loop
        self._ended = False
        self._closed = False
        self._room = WAITING_ITEMS  # 0 once closed
        self._idle: list[Deferred[None]] = []
        self.waiting = 0

    def write(self, change: Callable[[WriteCursor], T]) -> "Deferred[T]":
        if self.waiting >= self._room:
            return self._refuse()
        waiter: Deferred[T] = Deferred()
        self._queue.append(Single(change, waiter))
        if self._open:
            self._open.clear()
        self.waiting += 1
        if not self._busy:
            self._busy = True
            self._soon(self._start)
        return waiter

    def write_grouped(self, writer: Callable[[WriteCursor, Sequence[Item]], Sequence[T]], item: Item) -> "Deferred[T]":
        if self.waiting >= self._room:
            return self._refuse()
        waiter: Deferred[T] = Deferred()
        group = self._open.get(writer)
        if group is None or group.size >= GROUP_ITEMS:
            group = self._open[writer] = Group(writer)
            self._queue.append(group)
        group.add(item, waiter)
        self.waiting += 1
        if not self._busy:
            self._busy = True
            self._soon(self._start)
        return waiter

    def close(self) -> "Deferred[None]":
        """Refuse new work; fires when the accepted work is done."""
        self._closed = True
        self._room = 0
        idle: Deferred[None] = Deferred()
        if self._busy:
            self._idle.append(idle)
        else:
            idle.callback(None)
        return idle

    def _refuse(self) -> "Deferred[Any]":
        return fail(StorageUnavailable("The server is shutting down" if self._closed else None))

    def _start(self) -> None:
        """Carry batches until one stays on its way beyond this turn, or nothing waits."""
        self._starting = True
        while self._queue:
            self._ended = False
            batch = self._take()
            began = self._monotonic()
            self._carrier.carry(batch, partial(self._finish, batch, began))
            if not self._ended:
                break
        else:
            self._rest()
        self._starting = False

    def _take(self) -> Batch:
        queue = self._queue
        self._open.clear()
        entries = [queue.popleft()]
        size = entries[0].size
        while queue and size < BATCH_ITEMS:
            entries.append(queue.popleft())
            size += entries[-1].size
        return Batch(entries)

    def _finish(self, batch: Batch, began: float, error: Exception | None) -> None:
        if error is None:
            self._queue.extendleft(reversed(batch.left))
            self._succeed(batch, self._monotonic() - began)
        else:
            self._lose(batch, error)
        self._ended = True
        if not self._starting:
            self._start()

    def _rest(self) -> None:
        self._busy = False
        idle, self._idle = self._idle, []
        for waiter in idle:
            waiter.callback(None)

    def _succeed(self, batch: Batch, seconds: float) -> None:
        done = batch.done
        size = sum(entry.size for entry in done)
        self.waiting -= size
        self._observe(self._observer.committed, size, batch.seconds, seconds - batch.seconds, self.waiting)
        if batch.kept:
            self._publish(self._carrier.written)
        for entry in done:
            if entry.error is not None and isinstance(entry, Group):
                self._fail_followers(entry)
            entry.settle()

    def _observe(self, tell: Callable[..., None], *figures: float) -> None:
        try:
            tell(*figures)
        except Exception:
            self._log.failure("an observer of the commits failed")

    def _publish(self, written: Written) -> None:
        """In commit order; a step of the sequence that was not ours is stepped over, and readers ask the store for it."""
        if written.first is None:
            if written.changes:
                self._streams.publish(written.changes, self._streams.position)
            return
        if written.first > self._streams.position:
            self._streams.skip_to(written.first)
        self._streams.publish(written.changes, written.last)

    def _fail_followers(self, group: Group) -> None:
        """Items of the same writer may have been built on those that failed."""
        followers = [entry for entry in self._queue if isinstance(entry, Group) and entry.writer == group.writer]
        if followers:
            self._queue = deque(entry for entry in self._queue if entry not in followers)
            self._open.pop(group.writer, None)
            self.waiting -= sum(entry.size for entry in followers)
            fail_all(followers, group.error or RuntimeError("the group failed"))

    def _lose(self, batch: Batch, error: Exception) -> None:
        """Nothing of the batch is known to be on disk, and what waits may have been built on it."""
        lost = [*batch.entries, *self._queue]
        size = sum(entry.size for entry in lost)
        self._queue.clear()
        self._open.clear()
        self.waiting -= size
        reason = error.reason if isinstance(error, StorageUnavailable) else str(error)
        self._log.error("A transaction of {size} items is lost: {reason}", size=size, reason=reason)
        self._observe(self._observer.lost, size, self.waiting)
        fail_all(lost, error)
