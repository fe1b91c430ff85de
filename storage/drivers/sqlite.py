"""SQLite, the embedded driver: one connection writes, others read.

Rows are inserted on the loop and committed in a thread (half the cost of inserting there, and a slow sync stops nobody). Versions before 3.51.3 can
corrupt a database whose log is reset while another connection is at work, so they are refused.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from twisted.internet.defer import Deferred

from homeserver.clock import Clock
from homeserver.streams import Streams
from storage.database import Cursor
from storage.drivers.batch import Batch
from storage.drivers.group_commit import CommitObserver, GroupCommit
from storage.drivers.reader_threads import ReaderThreads
from storage.drivers.sqlite_cursor import SqliteCursor, SqliteTransaction
from storage.drivers.sqlite_file import SqliteFile
from storage.drivers.threads import Pool, Threads

T = TypeVar("T")

FILL_SECONDS = 0.02  # how long a batch may keep the loop


class SqliteCarrier:
    """A batch's rows on the loop, its COMMIT in the writer thread."""

    def __init__(self, transaction: SqliteTransaction, thread: Pool, clock: Clock, observer: CommitObserver) -> None:
        self.written = transaction
        self._thread = thread
        self._clock = clock
        self._observer = observer

    def carry(self, batch: Batch, done: Callable[[Exception | None], None]) -> None:
        transaction = self.written
        try:
            transaction.begin()
            batch.fill(transaction, self._clock, FILL_SECONDS)
            if batch.kept:
                transaction.seal()
                self._observer.committing(batch.size)
        except Exception as error:
            transaction.abandon()
            done(error)
            return
        if batch.kept:
            self._thread.submit(transaction.commit, partial(self._committed, done))
        else:
            transaction.abandon()
            done(None)

    def _committed(self, done: Callable[[Exception | None], None], _: None, error: BaseException | None) -> None:
        if error is None:
            done(None)
        else:
            self.written.abandon()
            done(error if isinstance(error, Exception) else RuntimeError(repr(error)))


class SqliteDatabase:
    """`storage.database.Database` on a file, or in memory."""

    def __init__(
        self, file: SqliteFile, *, streams: Streams, clock: Clock, threads: Threads, readers: int, observer: CommitObserver
    ) -> None:
        self._file = file
        self._writer = SqliteTransaction(file.writer, file.statements)
        self._reader = file.reader()
        self._thread = threads.pool("sqlite-commit", 1)
        self._scans: ReaderThreads[SqliteCursor] = ReaderThreads(threads.pool("sqlite-read", readers), file.reader)
        carrier = SqliteCarrier(self._writer, self._thread, clock, observer)
        self._commits = GroupCommit(carrier, streams, soon=threads.soon, monotonic=clock.monotonic, observer=observer)
        self.write = self._commits.write
        self.write_grouped = self._commits.write_grouped

    async def read(self, question: Callable[[Cursor], T]) -> T:
        return self._reader.ask(question)

    def scan(self, question: Callable[[Cursor], T]) -> "Deferred[T]":
        return self._scans.ask(lambda reader: reader.ask(question))

    async def close(self) -> None:
        await self._commits.close()
        self._thread.stop()
        self._scans.close()
        self._reader.close()
        self._writer.close()
        self._file.close()
