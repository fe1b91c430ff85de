"""Cursors on PostgreSQL. What costs is the round trip, so what needs no answer travels with what does.

BEGIN, savepoints, the rows of `many`, the new position and COMMIT wait in `_pending` and go out in front of the next question. A batch of grouped rows
takes two trips: the lock on the position, then everything else and COMMIT.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import psycopg2
from psycopg2.extensions import cursor

from homeserver.streams import Change
from storage.database import Row, StorageUnavailable
from storage.drivers.postgres_connection import PostgresConnection, TryAgain
from storage.drivers.postgres_prepared import PreparedStatements, parameter_types
from storage.drivers.postgres_text import Insert, adapt, postgres_each, postgres_insert, postgres_text
from storage.drivers.translate import REMEMBERED, Memory

T = TypeVar("T")

PENDING_BYTES = 262_144

_LOCK = "SELECT value FROM counters WHERE name = 'position' FOR UPDATE"
_STORE = "UPDATE counters SET value = ? WHERE name = 'position'"


class PostgresStatements:
    """Translations, shared by all connections."""

    def __init__(self) -> None:
        self.text: Memory[str, str] = Memory(postgres_text)
        self.each: Memory[tuple[str, tuple[str, ...]], str] = Memory(postgres_each)
        self.insert: Memory[str, Insert | None] = Memory(postgres_insert)
        self.long: set[Any] = set()  # questions known to ask more than one statement


class PostgresCursor:
    """Asks with whatever is pending in front."""

    def __init__(self, connection: PostgresConnection, statements: PostgresStatements) -> None:
        self.connection = connection
        self._cursor = connection.cursor
        self._statements = statements
        self._prepared = PreparedStatements(connection.cursor, statements.text)
        self._pending: list[bytes] = []

    def all(self, sql: str, *parameters: Any) -> list[Row]:
        return self._ask(sql, parameters).fetchall()

    def each(self, sql: str, rows: Sequence[Sequence[Any]]) -> list[list[Row]]:
        types = parameter_types(rows[0]) if len(rows) > 1 else None
        if types is None or any(parameter_types(row) != types for row in rows):
            return [self.all(sql, *row) for row in rows]
        found: list[list[Row]] = [[] for _ in rows]
        for place, *row in self.all(self._statements.each((sql, tuple(types))), *map(list, zip(*rows, strict=True))):
            found[place - 1].append(tuple(row))
        return found

    def one(self, sql: str, *parameters: Any) -> Row | None:
        return self._ask(sql, parameters).fetchone()

    def value(self, sql: str, *parameters: Any) -> Any:
        row = self._ask(sql, parameters).fetchone()
        return None if row is None else row[0]

    def _ask(self, sql: str, parameters: Sequence[Any]) -> cursor:
        self._send(self._spell(sql, parameters))
        return self._cursor

    def prepare_due(self) -> None:
        """Between transactions: prepare what has been asked often."""
        if self._prepared.is_due:
            try:
                self._prepared.prepare_due()
            except psycopg2.Error as error:
                self.connection.translated(error)

    def _spell(self, sql: str, parameters: Sequence[Any]) -> bytes:
        if parameters:
            text = self._prepared.execution(sql, parameters) or self._statements.text(sql)
            return self._cursor.mogrify(text, adapt(parameters))
        return self._statements.text(sql).replace("%%", "%").encode()

    def _send(self, *statements: bytes) -> None:
        if self._pending:
            statements = (*self._pending, *statements)
            self._pending.clear()
        try:
            self._cursor.execute(b";\n".join(statements))
        except psycopg2.Error as error:
            self.connection.translated(error)


class _SecondStatement(BaseException):
    """A question thought to be of one statement asks another: it starts anew, inside a transaction."""


class PostgresReader(PostgresCursor):
    """A question of one statement costs one round trip; one of several sees one snapshot.

    Which is which is learned: a question is first taken for a short one.
    """

    def __init__(self, connection: PostgresConnection, statements: PostgresStatements) -> None:
        super().__init__(connection, statements)
        self._single = False
        self._asked = False

    def ask(self, question: Callable[["PostgresReader"], T]) -> T:
        answer = self._answer(question)
        self.prepare_due()
        return answer

    def _answer(self, question: Callable[["PostgresReader"], T]) -> T:
        key = _identity(question)
        long = self._statements.long
        if key not in long:
            self._single, self._asked = True, False
            try:
                return question(self)
            except _SecondStatement:
                if len(long) >= REMEMBERED:
                    long.clear()
                long.add(key)
        self._single = False
        self._pending = [b"BEGIN ISOLATION LEVEL REPEATABLE READ"]
        try:
            return question(self)
        finally:
            if self._pending:
                self._pending.clear()  # it asked nothing at all
            elif not self.connection.lost:
                self._send(b"COMMIT")

    def _ask(self, sql: str, parameters: Sequence[Any]) -> cursor:
        if self._single:
            if self._asked:
                raise _SecondStatement
            self._asked = True
        return super()._ask(sql, parameters)


def _identity(question: Any) -> Any:
    """What stays the same from call to call."""
    while isinstance(question, partial):
        question = question.func
    question = getattr(question, "__func__", question)
    return getattr(question, "__code__", type(question))


class Carefully(TryAgain):
    """Something failed in a transaction without savepoints: do it again with them."""


class PostgresTransaction(PostgresCursor):
    """The batch's transaction on the connection that writes.

    It is first tried without savepoints, so that the rows of all its entries travel together; should one fail, all of it runs again with them.

    Positions are counted here while the lock on their row is held, from the first that is taken to the commit: so they commit in order, whichever process
    takes them.
    """

    def __init__(self, connection: PostgresConnection, statements: PostgresStatements) -> None:
        super().__init__(connection, statements)
        self.changes: list[Change] = []
        self.first: int | None = None
        self.last = 0
        self._alone = False
        self._careful = False
        self._rows_pending = False
        self._start = 0  # the position when the lock was taken
        self._locked = False
        self._marked = (0, 0, 0, False)
        self._mark_sent = False

    def run(self, sql: str, *parameters: Any) -> int:
        return self._ask(sql, parameters).rowcount

    def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        if not rows:
            return
        insert = self._statements.insert(sql) if len(rows) > 1 else None
        if insert is not None and insert.together(rows):
            mogrify = self._cursor.mogrify
            values = b",".join([mogrify(insert.row, adapt(row)) for row in rows])
            self._pending.append(b"%b%b%b" % (insert.head, values, insert.tail))
        else:
            self._pending += [self._spell(sql, row) for row in rows]
        self._rows_pending = True
        if sum(map(len, self._pending)) > PENDING_BYTES:
            self._send()

    def position(self) -> int:
        if not self._locked:
            self._start = self.last = int(self.value(_LOCK))
            self._locked = True
        self.last += 1
        return self.last

    def announce(self, change: Change) -> None:
        self.changes.append(change)

    # ------------------------------------------------------------ for the batch

    def begin(self, *, alone: bool, careful: bool) -> None:
        """`alone`: the batch is one entry. `careful`: each entry has its savepoint, and its errors show before it is kept."""
        self._pending = [b"BEGIN"]
        self._alone = alone
        self._careful = careful
        self._locked = False
        self.first = None
        self.changes = []

    def mark(self) -> None:
        self._mark_sent = self._rows_pending = False
        self._marked = (len(self._pending), self.last, len(self.changes), self._locked)
        if self._careful:
            self._pending.append(b"SAVEPOINT entry")

    def keep(self) -> None:
        if self._careful:
            if self._rows_pending:
                self._send()
            self._pending.append(b"RELEASE SAVEPOINT entry")

    def undo(self) -> None:
        if self.connection.lost:
            raise TryAgain
        pending, self.last, announced, self._locked = self._marked
        del self.changes[announced:]
        if not self._mark_sent:
            del self._pending[pending:]
        elif self._careful:
            self._pending = [b"ROLLBACK TO SAVEPOINT entry", b"RELEASE SAVEPOINT entry"]
        elif self._alone:
            self._pending.clear()
        else:
            raise Carefully

    def seal(self) -> None:
        if self._locked and self.last != self._start:
            self.first = self._start
            self._pending.append(self._spell(_STORE, (self.last,)))

    def commit(self) -> None:
        """StorageUnavailable when nobody knows whether it is on disk."""
        try:
            self._send(b"COMMIT")
        except TryAgain as error:
            if self.connection.lost:
                raise StorageUnavailable from error
            raise
        if self._cursor.statusmessage != "COMMIT":
            raise StorageUnavailable

    def abandon(self) -> None:
        self._pending.clear()
        self.changes = []
        if self.connection.lost:
            return
        if self.connection.in_transaction:
            try:
                self._send(b"ROLLBACK")
            except StorageUnavailable:
                self.connection.close()

    def _send(self, *statements: bytes) -> None:
        self._mark_sent = True
        self._rows_pending = False
        super()._send(*statements)
