"""PostgreSQL, the driver for growth: batches go whole to one thread and connection, reads to a few others.

A batch whose transaction was lost before its COMMIT was sent runs again, for a while and with growing pauses. When the connection goes during COMMIT,
nobody here knows the outcome: it is reported as lost, and what was stored after all is found in the store.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from twisted.internet.defer import Deferred

from homeserver.clock import Chance, Clock
from homeserver.streams import Streams
from storage.database import Cursor, StorageUnavailable
from storage.drivers.batch import Batch
from storage.drivers.group_commit import CommitObserver, GroupCommit
from storage.drivers.postgres_connection import PostgresConnection, TryAgain
from storage.drivers.postgres_cursor import Carefully, PostgresReader, PostgresStatements, PostgresTransaction
from storage.drivers.reader_threads import ReaderThreads
from storage.drivers.threads import Pool, Threads

T = TypeVar("T")

FILL_SECONDS = 0.1
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0


class PostgresCarrier:
    """The whole batch in the writer thread, with its connection."""

    def __init__(
        self,
        url: str,
        statements: PostgresStatements,
        thread: Pool,
        clock: Clock,
        chance: Chance,
        outage_seconds: float,
        observer: CommitObserver,
    ) -> None:
        self._url = url
        self._statements = statements
        self._thread = thread
        self._clock = clock
        self._chance = chance
        self._outage_seconds = outage_seconds
        self._observer = observer
        self.written = self._connect()

    def carry(self, batch: Batch, done: Callable[[Exception | None], None]) -> None:
        self._attempt(batch, done, self._clock.monotonic() + self._outage_seconds, FIRST_PAUSE)

    def close(self) -> None:
        self.written.connection.close()

    def _connect(self) -> PostgresTransaction:
        return PostgresTransaction(PostgresConnection(self._url, read_only=False), self._statements)

    def _attempt(self, batch: Batch, done: Callable[[Exception | None], None], deadline: float, pause: float) -> None:
        self._thread.submit(partial(self._work, batch), partial(self._ended, batch, done, deadline, pause))

    def _ended(
        self, batch: Batch, done: Callable[[Exception | None], None], deadline: float, pause: float, _: None, error: BaseException | None
    ) -> None:
        if isinstance(error, TryAgain) and self._clock.monotonic() < deadline:
            later = min(pause * 2, LONGEST_PAUSE)
            self._clock.call_later(pause * self._chance.uniform(0.5, 1.5), self._attempt, batch, done, deadline, later)
        else:
            done(error if error is None or isinstance(error, Exception) else RuntimeError(repr(error)))

    def _work(self, batch: Batch) -> None:
        """In the writer thread."""
        if self.written.connection.lost:
            self.written = self._connect()
        try:
            self._write(batch, careful=False)
        except Carefully:
            self._write(batch, careful=True)
        self._prepare()

    def _prepare(self) -> None:
        """After the commit, so a connection that goes now takes nothing with it."""
        try:
            self.written.prepare_due()
        except StorageUnavailable:
            self.written.connection.close()

    def _write(self, batch: Batch, *, careful: bool) -> None:
        transaction = self.written
        alone = len(batch.entries) == 1
        try:
            transaction.begin(alone=alone, careful=careful)
            batch.fill(transaction, self._clock, FILL_SECONDS)
            if not batch.kept:
                transaction.abandon()
                return
            transaction.seal()
            self._observer.committing(batch.size)
            transaction.commit()
        except StorageUnavailable:
            transaction.abandon()
            raise
        except Exception as error:  # rows that went out together with COMMIT
            transaction.abandon()
            if careful:
                raise StorageUnavailable from error
            if not alone:
                raise Carefully from error
            batch.entries[0].error = error
            batch.entries[0].kept = False


class ReadingConnection:
    """One reader thread's connection, made anew when it was lost."""

    def __init__(self, url: str, statements: PostgresStatements) -> None:
        self._url = url
        self._statements = statements
        self._reader = self._connect()

    def ask(self, question: Callable[[Cursor], T]) -> T:
        if self._reader.connection.lost:
            self._reader = self._connect()
        try:
            return self._reader.ask(question)
        except TryAgain:
            # A connection that was idle while the server restarted is noticed here; a question may be asked twice.
            if self._reader.connection.lost:
                self._reader = self._connect()
            return self._reader.ask(question)

    def close(self) -> None:
        self._reader.connection.close()

    def _connect(self) -> PostgresReader:
        return PostgresReader(PostgresConnection(self._url, read_only=True), self._statements)


class PostgresDatabase:
    """`storage.database.Database` on a server."""

    def __init__(
        self,
        url: str,
        *,
        streams: Streams,
        clock: Clock,
        chance: Chance,
        threads: Threads,
        connections: int,
        outage_seconds: float,
        observer: CommitObserver,
    ) -> None:
        statements = PostgresStatements()
        self._thread = threads.pool("postgres-write", 1)
        self._carrier = PostgresCarrier(url, statements, self._thread, clock, chance, outage_seconds, observer)
        self._readers = ReaderThreads(threads.pool("postgres-read", connections), lambda: ReadingConnection(url, statements))
        self._commits = GroupCommit(self._carrier, streams, soon=threads.soon, monotonic=clock.monotonic, observer=observer)
        self.write = self._commits.write
        self.write_grouped = self._commits.write_grouped

    def read(self, question: Callable[[Cursor], T]) -> "Deferred[T]":
        return self._readers.ask(lambda reader: reader.ask(question))

    scan = read

    async def close(self) -> None:
        await self._commits.close()
        self._thread.stop()
        self._readers.close()
        self._carrier.close()
