"""What a driver offers to the stores: transactions as plain functions over a cursor.

One SQL for all drivers, in the common subset of SQLite and PostgreSQL: `?` placeholders, `ON CONFLICT (…) DO UPDATE/NOTHING`, `RETURNING`, `IN ??`
for a list parameter. The functions given to `read` and `write` are synchronous, short and free of side effects: they may run in another thread and,
after a lost connection, once more.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from homeserver.streams import Change

T = TypeVar("T")
Item = TypeVar("Item")
Row = tuple[Any, ...]


class Cursor(Protocol):
    """Reads inside one transaction (a consistent snapshot)."""

    def all(self, sql: str, *parameters: Any) -> list[Row]:
        """All rows. A list or tuple parameter belongs to an `IN ??`."""

    def one(self, sql: str, *parameters: Any) -> Row | None:
        """The first row, or None."""

    def value(self, sql: str, *parameters: Any) -> Any:
        """The first column of the first row, or None."""


class WriteCursor(Cursor, Protocol):
    """Reads and writes inside one transaction."""

    def run(self, sql: str, *parameters: Any) -> int:
        """Execute one statement; how many rows it changed."""

    def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """One INSERT/UPDATE/DELETE over many rows; for `INSERT … VALUES (?, …)` a driver may send them together."""

    def position(self) -> int:
        """Take the next position of the server-wide sequence; committed with this transaction, in commit order, without gaps."""

    def announce(self, change: Change) -> None:
        """Published to `Streams` once this transaction is on disk; dropped when it is rolled back."""


class Database(Protocol):
    """A driver. All methods are called on the loop thread."""

    async def read(self, question: Callable[[Cursor], T]) -> T:
        """A point read or a few short ranges: SQLite answers on the loop itself (no suspension), PostgreSQL in a thread."""

    async def scan(self, question: Callable[[Cursor], T]) -> T:
        """A read whose cost grows with the data: always in a reader thread (SQLite in memory: on the loop)."""

    async def write(self, change: Callable[[WriteCursor], T]) -> T:
        """Runs in the next group commit, isolated by a savepoint; returns once it is on disk. An exception of `change` undoes it alone."""

    async def write_grouped(self, writer: Callable[[WriteCursor, Sequence[Item]], Sequence[T]], item: Item) -> T:
        """Hot path: all items that wait for the same `writer` are written by one call of it inside the next group commit, in order of arrival.

        `writer` must not fail for one item alone: if it raises, the whole group's transaction is undone and every waiting item fails.
        The item's place in the queue is taken when this is called (before the first await).
        """

    async def close(self) -> None:
        """Finish the running commit, refuse new work, checkpoint, close."""


class Rollback(Exception):
    """Raised by a change to undo itself; carries the value that the caller gets instead."""

    def __init__(self, value: Any = None) -> None:
        super().__init__("rolled back")
        self.value = value


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
