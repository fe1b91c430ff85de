"""The file behind SQLite: opening it safely, its settings, its lock, its log.

The write-ahead log is grown beforehand and then recycled, never truncated while the server runs: a log that grows makes each sync dearer.
"""

import fcntl
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import apsw

from schema.sql_files import SqlFile
from storage.database import CannotOpen
from storage.drivers.sqlite_cursor import SqliteCursor
from storage.drivers.sqlite_text import SqliteStatements
from storage.migrate import migrate

OLDEST = (3, 51, 3)
CHECKPOINT_PAGES = 1000  # about 4 MiB of log between two checkpoints
LOG_BYTES = 32 + CHECKPOINT_PAGES * (4096 + 24) * 5 // 4  # a checkpoint comes after the commit that passes the mark
BUSY_MS = 500  # another program's short write is waited for, no longer
STATEMENTS = 300


def check_version(found: str) -> None:
    if tuple(int(part) for part in found.split(".")) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise CannotOpen(f"SQLite {found} can corrupt a database in WAL mode: {oldest} or newer is needed (a newer apsw brings it)")


class SqliteFile:
    """The only connection that writes, and as many readers as are asked for. `path` None: in memory, one connection for all."""

    def __init__(self, path: Path | None, *, cache_kib: int, exclusive: bool = True) -> None:
        check_version(apsw.sqlite_lib_version())
        self.statements = SqliteStatements()
        self._path = path
        self._cache_kib = cache_kib
        self._lock = _lock(path) if path is not None and exclusive else None
        try:
            self.writer = self._connect(apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
            self._set_up()
        except apsw.Error as error:
            self.close()
            raise CannotOpen(f"the database {path} cannot be opened: {error}") from error

    def reader(self) -> SqliteCursor:
        if self._path is None:
            return SqliteCursor(self.writer, self.statements)
        return SqliteCursor(self._connect(apsw.SQLITE_OPEN_READONLY), self.statements)

    def grow_log(self) -> None:
        """After the first write: the log's header stands, and what follows the last frame is nothing to SQLite."""
        if self._path is None:
            return
        log = self._path.with_name(self._path.name + "-wal")
        missing = LOG_BYTES - log.stat().st_size if log.exists() else 0
        if missing <= 0:
            return
        try:
            with log.open("ab") as end:
                end.write(bytes(missing))
                end.flush()
                os.fsync(end.fileno())
        except OSError as error:
            raise CannotOpen(f"the log of the database {self._path} cannot be written: {error.strerror}") from error

    def migrate(self, files: Sequence[SqlFile], reached: Callable[[int], None]) -> None:
        try:
            migrate(SqliteMigration(self.writer), files, reached=reached)
        except apsw.Error as error:
            raise CannotOpen(f"the database {self._path} cannot be migrated: {error}") from error

    def position(self) -> int:
        """What the last server committed."""
        return SqliteCursor(self.writer, self.statements).value("SELECT value FROM counters WHERE name = 'position'")  # type: ignore[no-any-return]

    def close(self) -> None:
        """Everything else is closed: the last connection to go brings the log into the database."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _connect(self, flags: int) -> apsw.Connection:
        name = ":memory:" if self._path is None else str(self._path)
        connection = apsw.Connection(name, flags=flags, statementcachesize=STATEMENTS)
        connection.set_busy_timeout(BUSY_MS)
        connection.pragma("cache_size", -self._cache_kib)
        connection.pragma("foreign_keys", 1)
        connection.pragma("mmap_size", 0)
        return connection

    def _set_up(self) -> None:
        if self._path is not None:
            self.writer.pragma("journal_mode", "WAL")
            self.writer.pragma("journal_size_limit", -1)
        self.writer.pragma("synchronous", "FULL")
        self.writer.wal_autocheckpoint(CHECKPOINT_PAGES)


class SqliteMigration:
    """`storage.migrate.MigrationConnection`: the schema files are in this tongue already."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def begin_locked(self) -> None:
        self._connection.execute("BEGIN EXCLUSIVE")

    def script(self, sql: str) -> None:
        self._connection.execute(sql)

    def value(self, sql: str) -> int:
        found: Any = self._connection.execute(sql).fetchall()[0][0]
        return int(found)

    def record(self, sql: str, version: int, name: str) -> None:
        self._connection.execute(sql, (version, name))

    def commit(self) -> None:
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def _lock(path: Path) -> int:
    """One server at a time: the position is counted in memory."""
    try:
        lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CannotOpen(f"the database {path} cannot be opened: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise CannotOpen(f"the database {path} is in use by another process") from error
    return lock
