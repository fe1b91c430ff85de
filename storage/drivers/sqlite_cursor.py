"""Cursors on SQLite connections: reading in a snapshot, writing in the batch's transaction."""

from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

import apsw

from homeserver.streams import Change
from storage.database import Conflict, Row, StorageUnavailable
from storage.drivers.sqlite_text import SqliteStatements

T = TypeVar("T")

# What says that the transaction or the file is lost, and not that a statement is wrong.
_OUTAGES = (
    apsw.FullError,
    apsw.IOError,
    apsw.BusyError,
    apsw.LockedError,
    apsw.ReadOnlyError,
    apsw.CantOpenError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.NoMemError,
    apsw.ProtocolError,
    apsw.ConnectionClosedError,
    apsw.CursorClosedError,
)


def translated(error: apsw.Error) -> NoReturn:
    """Raise it again in the words of `storage.database`."""
    if isinstance(error, apsw.ConstraintError):
        raise Conflict(str(error)) from error
    if isinstance(error, _OUTAGES):
        raise StorageUnavailable from error
    raise error


class SqliteCursor:
    """Reads on one connection."""

    __slots__ = ("_connection", "_cursor", "_statements")

    def __init__(self, connection: apsw.Connection, statements: SqliteStatements) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._statements = statements

    def all(self, sql: str, *parameters: Any) -> list[Row]:
        try:
            return self._cursor.execute(*self._statements.bind(sql, parameters)).fetchall()
        except apsw.Error as error:
            translated(error)

    def each(self, sql: str, rows: Sequence[Sequence[Any]]) -> list[list[Row]]:
        return [self.all(sql, *row) for row in rows]

    def one(self, sql: str, *parameters: Any) -> Row | None:
        try:
            return self._cursor.execute(*self._statements.bind(sql, parameters)).fetchone()
        except apsw.Error as error:
            translated(error)

    def value(self, sql: str, *parameters: Any) -> Any:
        try:
            row = self._cursor.execute(*self._statements.bind(sql, parameters)).fetchone()
        except apsw.Error as error:
            translated(error)
        return None if row is None else row[0]

    def ask(self, question: Callable[["SqliteCursor"], T]) -> T:
        """The question inside one snapshot."""
        self._execute("BEGIN")
        try:
            return question(self)
        finally:
            self._execute("END")  # also ends a statement whose rows were not all taken

    def _execute(self, sql: str) -> None:
        try:
            self._cursor.execute(sql)
        except apsw.Error as error:
            translated(error)

    def close(self) -> None:
        self._cursor.close(force=True)
        self._connection.close()


class SqliteTransaction(SqliteCursor):
    """The batch's transaction on the only connection that writes.

    The position lives in memory and is stored once a batch. What is undone gives its positions back: nobody has seen them.
    """

    __slots__ = ("_fresh", "_marked", "_start", "changes", "first", "last")

    def __init__(self, connection: apsw.Connection, statements: SqliteStatements) -> None:
        super().__init__(connection, statements)
        self.changes: list[Change] = []
        self.first: int | None = None
        self.last = 0
        self._start = 0  # the position on disk
        self._marked = (0, 0)
        self._fresh = False  # `_start` is known to be what the disk has

    def run(self, sql: str, *parameters: Any) -> int:
        try:
            self._cursor.execute(*self._statements.bind(sql, parameters))
        except apsw.Error as error:
            translated(error)
        return self._connection.changes()

    def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        try:
            self._cursor.executemany(self._statements.bind(sql, ())[0], rows)
        except apsw.Error as error:
            translated(error)

    def position(self) -> int:
        self.last += 1
        return self.last

    def announce(self, change: Change) -> None:
        self.changes.append(change)

    # ------------------------------------------------------------ for the batch

    def begin(self) -> None:
        self._execute("BEGIN IMMEDIATE")
        if not self._fresh:
            self._start = self.value("SELECT value FROM counters WHERE name = 'position'") or 0
            self._fresh = True
        self.last = self._start
        self.first = None
        self.changes = []

    def mark(self) -> None:
        self._execute("SAVEPOINT entry")
        self._marked = (self.last, len(self.changes))

    def keep(self) -> None:
        self._execute("RELEASE entry")

    def undo(self) -> None:
        if not self._connection.in_transaction:
            raise StorageUnavailable  # SQLite has given all of it up by itself
        self._execute("ROLLBACK TO entry")
        self._execute("RELEASE entry")
        self.last, announced = self._marked
        del self.changes[announced:]

    def seal(self) -> None:
        """The last statement before the commit: store the position, unless somebody else has moved it."""
        if self.last == self._start:
            return
        self.first = self._start
        if self.run("UPDATE counters SET value = ? WHERE name = 'position' AND value = ?", self.last, self._start) != 1:
            raise StorageUnavailable

    def commit(self) -> None:
        """In the writer thread; the loop keeps its hands off until it has ended."""
        self._execute("COMMIT")
        self._start = self.last

    def abandon(self) -> None:
        """Undo all of it; the position is read again before the next."""
        self._fresh = False
        self.changes = []
        if self._connection.in_transaction:
            try:
                self._cursor.execute("ROLLBACK")
            except apsw.Error as error:
                if not isinstance(error, _OUTAGES):
                    raise
