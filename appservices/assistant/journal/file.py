"""The SQLite file, and what its tables share.

A commit leaves the process at once, so that it outlives a kill; that it outlives a power cut, too, is waited for in a thread (`settle`), and only before
somebody is told. So no disk ever stops the loop, which may be that of a homeserver.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import apsw
from twisted.internet.defer import DeferredLock

from appservices.assistant.journal.migrate import migrate, steps
from appservices.assistant.runtime import Workers, elsewhere
from appservices.assistant.settings import BadSettings

_MOST_PAGES = 500  # of the log, before it is brought into the file
_SPENDING_DAYS = 40  # longer than any month that is counted
_OF_ROOM = (
    "DELETE FROM turns WHERE room_id = ?",
    "DELETE FROM said WHERE room_id = ?",
    "DELETE FROM drawn WHERE room_id = ?",
    "DELETE FROM proposals WHERE room_id = ?",
    "DELETE FROM tasks WHERE room_id = ?",
    "DELETE FROM meetings WHERE room_id = ?",
    "DELETE FROM reminders WHERE room_id = ?",
)


class JournalFile:
    """One small write for a turn, none for what is not for us. Raises BadSettings where the file cannot be used."""

    def __init__(self, path: str, workers: Workers) -> None:
        self._path = path
        self._workers = workers
        self._pages = 0
        self._is_settled = True
        self._settling = DeferredLock()  # who comes meanwhile waits for the same disk
        try:
            self._connection = apsw.Connection(path)
            self._set_up()
        except apsw.Error as error:
            raise BadSettings(f"assistant.database: {path} cannot be used: {error}") from error

    def _set_up(self) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000", "secure_delete=ON", "wal_autocheckpoint=0"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.set_wal_hook(self._committed)
        try:
            migrate(self._connection, self._path, steps())
        except BaseException:
            self._connection.close()
            raise

    def _committed(self, _: apsw.Connection, __: str, pages: int) -> int:
        self._pages, self._is_settled = pages, False
        return apsw.SQLITE_OK

    async def settle(self) -> None:
        """All that was written until now is on disk."""
        async with self._settling:
            if self._is_settled:
                return
            self._is_settled = True
            try:
                await elsewhere(self._workers, self._settle_log)
            except BaseException:
                self._is_settled = False
                raise

    def _settle_log(self) -> None:
        """In a thread."""
        log = os.open(f"{self._path}-wal", os.O_RDONLY)
        try:
            os.fsync(log)
        finally:
            os.close(log)
        if self._pages > _MOST_PAGES:
            other = apsw.Connection(self._path)
            other.execute("PRAGMA wal_checkpoint(PASSIVE)")
            other.close()

    def rows(self, statement: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        return list(self._connection.execute(statement, tuple(values)))

    def row(self, statement: str, values: Iterable[Any] = ()) -> tuple[Any, ...] | None:
        return next(iter(self.rows(statement, values)), None)

    def write(self, statement: str, values: Iterable[Any] = ()) -> int:
        """How many rows it changed."""
        self._connection.execute(statement, tuple(values))
        return int(self._connection.changes())

    @contextmanager
    def together(self) -> Iterator[None]:
        with self._connection:
            yield

    def forget_room(self, room: str) -> None:
        with self.together():
            for statement in _OF_ROOM:
                self.write(statement, (room,))
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def erase(self, statement: str, values: Iterable[Any] = ()) -> None:
        """What holds text: gone from the log, too."""
        if self.write(statement, values):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def forget_event(self, room: str, event_id: str) -> None:
        """What was derived from it and holds text."""
        self.erase("DELETE FROM proposals WHERE room_id = ? AND (event_id = ? OR source_event = ?)", (room, event_id, event_id))

    def clean(self, now_ms: int, audit_days: int) -> None:
        week, day = 7 * 86_400_000, 86_400_000
        with self.together():
            self.write("DELETE FROM transactions WHERE at < ?", (now_ms - week,))
            self.write("DELETE FROM turns WHERE state = 'done' AND asked_at < ?", (now_ms - week,))
            self.write("DELETE FROM said WHERE at < ?", (now_ms - 12 * week,))
            self.write("DELETE FROM drawn WHERE turn_id NOT IN (SELECT turn_id FROM said) AND turn_id NOT IN (SELECT turn_id FROM turns)")
            self.write("DELETE FROM audit WHERE at < ?", (now_ms - audit_days * day,))
            past = datetime.fromtimestamp((now_ms - _SPENDING_DAYS * day) / 1000, UTC).strftime("%Y-%m")
            self.write("DELETE FROM spending WHERE period < ?", (past,))  # its days, too, for they begin with their month

    def close(self) -> None:
        self._connection.close()
