"""What a driver offers to the stores: transactions as plain functions over a cursor.

One SQL for all drivers, in the common subset of SQLite and PostgreSQL: `?` placeholders, `ON CONFLICT (…) DO UPDATE/NOTHING`, `RETURNING`, `IN ??`
and `NOT IN ??` for a list parameter, `GREATEST`/`LEAST` (of values that are not NULL). Text is compared byte by byte everywhere; LIKE ignores case on
SQLite alone, so it is asked about case-folded text only. A bool is stored as 0 or 1. The functions given to `read` and `write` are synchronous, short
and free of side effects: they may run in another thread and, after a lost connection, once more.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred

from homeserver.errors import Unavailable
from homeserver.streams import Change

T = TypeVar("T")
Item = TypeVar("Item")
Row = tuple[Any, ...]

RETRY_AFTER_MS = 1000


class Cursor(Protocol):
    """Reads inside one transaction (a consistent snapshot)."""

    def all(self, sql: str, *parameters: Any) -> list[Row]:
        """All rows. A list or tuple parameter belongs to an `IN ??`."""

    def one(self, sql: str, *parameters: Any) -> Row | None:
        """The first row, or None."""

    def value(self, sql: str, *parameters: Any) -> Any:
        """The first column of the first row, or None."""

    def each(self, sql: str, rows: Sequence[Sequence[Any]]) -> list[list[Row]]:
        """The answers to one question with each of these rows of parameters, none of them a list: on PostgreSQL one statement."""


class WriteCursor(Cursor, Protocol):
    """Reads and writes inside one transaction."""

    def run(self, sql: str, *parameters: Any) -> int:
        """Execute one statement; how many rows it changed. Where the count does not matter, `many` is cheaper on PostgreSQL."""

    def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """One INSERT/UPDATE/DELETE over many rows, or one; a driver may send it together with what follows."""

    def position(self) -> int:
        """Take the next position of the server-wide sequence; committed with this transaction, in commit order, without gaps."""

    def announce(self, change: Change) -> None:
        """Published to `Streams` once this transaction is on disk; dropped when it is rolled back."""


class Database(Protocol):
    """A driver. All methods are called on the loop thread, and each takes its place in the queue when it is called, before it is awaited.

    Giving up the wait (cancelling the Deferred) does not take a write back: it is committed all the same.
    """

    def read(self, question: Callable[[Cursor], T]) -> Awaitable[T]:
        """A point read or a few short ranges: SQLite answers on the loop itself (no suspension), PostgreSQL in a thread."""

    def scan(self, question: Callable[[Cursor], T]) -> Deferred[T]:
        """A read whose cost grows with the data: always in a reader thread (SQLite in memory: on the loop)."""

    def write(self, change: Callable[[WriteCursor], T]) -> Deferred[T]:
        """Runs in the next group commit, isolated by a savepoint; returns once it is on disk. An exception of `change` undoes it alone."""

    def write_grouped(self, writer: Callable[[WriteCursor, Sequence[Item]], Sequence[T]], item: Item) -> Deferred[T]:
        """Hot path: items that wait for the same `writer` (an equal function) are written by one call of it inside the next group commit.

        Items of one writer, and items and `write` changes among each other, keep their order of arrival. `writer` must not fail for one item alone:
        if it raises, its items are undone and everything that waits for the same writer fails, for it may have been built on them. When a whole
        transaction fails, everything that waits fails with `StorageUnavailable`.
        """

    def close(self) -> Awaitable[None]:
        """Finish what was accepted, refuse new work, checkpoint, close."""


class Rollback(Exception):
    """Raised by a change to undo itself; carries the value that the caller gets instead."""

    def __init__(self, value: Any = None) -> None:
        super().__init__("rolled back")
        self.value = value


class Conflict(Exception):
    """A constraint refused a row (duplicate key, NULL where there must be none): the same for every driver."""


class StorageUnavailable(Unavailable):
    """Disk full, connection lost, database closed: nothing of this change is known to be stored, and the next may go well again."""

    default_message = "The server cannot reach its database just now, try again"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message, retry_after_ms=RETRY_AFTER_MS)


class CannotOpen(Exception):
    """The database cannot be used as it is; the message is one clear line for the administrator."""


def batches(rows: Iterable[Any], size: int) -> Iterable[list[Any]]:
    """Cut into lists of at most `size`."""
    batch: list[Any] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
