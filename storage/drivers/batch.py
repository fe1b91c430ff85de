"""One batch of a group commit: what waits together, written into one transaction, each with its own outcome."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from homeserver.clock import Clock
from homeserver.streams import Change
from storage.database import Rollback, StorageUnavailable, WriteCursor

GROUP_ITEMS = 100  # what one call of a writer gets at most, so that a batch on the loop can be cut in time


class Transaction(WriteCursor, Protocol):
    """A driver's open transaction. A step that loses all of it raises StorageUnavailable."""

    changes: list[Change]  # what was announced, in order
    first: int | None  # the position before the first that was taken; None when none was
    last: int  # the last position that was taken

    def mark(self) -> None:
        """Set a savepoint (one at a time)."""

    def keep(self) -> None:
        """Give the savepoint up; errors of its statements have come to light by then."""

    def undo(self) -> None:
        """Back to the savepoint: rows, positions and announcements."""


class Entry(Protocol):
    """Something in the queue."""

    size: int
    error: Exception | None
    kept: bool  # its rows are part of the transaction

    def run(self, cursor: WriteCursor) -> None: ...

    def settle(self) -> None:
        """Give the outcome to who waits."""

    def fail(self, cause: Exception) -> None:
        """The transaction is lost, or what this was built on."""


class Single:
    """A `write`: one change, isolated."""

    __slots__ = ("change", "error", "kept", "size", "value", "waiter")

    def __init__(self, change: Callable[[WriteCursor], Any], waiter: "Deferred[Any]") -> None:
        self.change = change
        self.waiter = waiter
        self.size = 1
        self.value: Any = None
        self.error: Exception | None = None
        self.kept = False

    def run(self, cursor: WriteCursor) -> None:
        self.value = self.change(cursor)

    def settle(self) -> None:
        if self.error is None:
            self.waiter.callback(self.value)
        else:
            self.waiter.errback(Failure(self.error))

    def fail(self, cause: Exception) -> None:
        self.waiter.errback(_unavailable(cause))


class Group:
    """`write_grouped` items of one writer."""

    __slots__ = ("error", "items", "kept", "size", "values", "waiters", "writer")

    def __init__(self, writer: Callable[[WriteCursor, Sequence[Any]], Sequence[Any]]) -> None:
        self.writer = writer
        self.items: list[Any] = []
        self.waiters: list[Deferred[Any]] = []
        self.size = 0
        self.values: Sequence[Any] = ()
        self.error: Exception | None = None
        self.kept = False

    def add(self, item: Any, waiter: "Deferred[Any]") -> None:
        self.items.append(item)
        self.waiters.append(waiter)
        self.size += 1

    def run(self, cursor: WriteCursor) -> None:
        self.values = self.writer(cursor, self.items)
        if len(self.values) != self.size:
            raise ValueError(f"{self.writer!r} answered {len(self.values)} values for {self.size} items")

    def settle(self) -> None:
        if self.error is None:
            for waiter, value in zip(self.waiters, self.values, strict=True):
                waiter.callback(value)
        else:
            for waiter in self.waiters:
                waiter.errback(Failure(self.error))

    def fail(self, cause: Exception) -> None:
        for waiter in self.waiters:
            waiter.errback(_unavailable(cause))


class Batch:
    """The entries of one transaction; `fill` may leave some to the next."""

    __slots__ = ("entries", "filled", "seconds", "size")

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self.filled = 0  # how many entries were run
        self.size = sum(entry.size for entry in entries)
        self.seconds = 0.0  # of running them

    @property
    def done(self) -> Sequence[Entry]:
        return self.entries[: self.filled]

    @property
    def left(self) -> Sequence[Entry]:
        return self.entries[self.filled :]

    @property
    def kept(self) -> bool:
        """Whether there is anything to commit."""
        return any(entry.kept for entry in self.done)

    def fill(self, transaction: Transaction, clock: Clock, seconds: float) -> None:
        """Run the entries, each behind its savepoint, until the time is over; StorageUnavailable when the transaction is lost."""
        began = clock.monotonic()
        self.filled = 0
        for entry in self.entries:
            self._run(transaction, entry)
            self.filled += 1
            self.seconds = clock.monotonic() - began
            if self.seconds > seconds:
                break

    def _run(self, transaction: Transaction, entry: Entry) -> None:
        entry.error = None
        entry.kept = False
        transaction.mark()
        try:
            entry.run(transaction)
            transaction.keep()
        except StorageUnavailable:
            raise
        except Rollback as wish:
            transaction.undo()
            if isinstance(entry, Single):
                entry.value = wish.value
            else:
                entry.error = wish
        except Exception as error:
            transaction.undo()
            entry.error = error
        else:
            entry.kept = True


def fail_all(entries: Iterable[Entry], cause: Exception) -> None:
    for entry in entries:
        entry.fail(cause)


def _unavailable(cause: Exception) -> Failure:
    """Each waiter gets an exception of its own: tracebacks are not shared."""
    failure = StorageUnavailable()
    failure.__cause__ = cause
    return Failure(failure)
