"""The SQLite file, and what its tables share."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

import apsw

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
    """Every statement is on disk before anything is answered: one small write for a turn, none for what is not for us."""

    def __init__(self, path: str) -> None:
        self._connection = apsw.Connection(path)
        self._depth = 0
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "secure_delete=ON"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute(files(__package__).joinpath("tables.sql").read_text("utf-8"))

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

    def forget_event(self, event_id: str) -> None:
        """What was derived from it and holds text."""
        self.erase("DELETE FROM proposals WHERE event_id = ? OR source_event = ?", (event_id, event_id))

    def clean(self, now_ms: int, audit_days: int) -> None:
        week, day = 7 * 86_400_000, 86_400_000
        with self.together():
            self.write("DELETE FROM transactions WHERE at < ?", (now_ms - week,))
            self.write("DELETE FROM turns WHERE state = 'done' AND asked_at < ?", (now_ms - week,))
            self.write("DELETE FROM said WHERE at < ?", (now_ms - 12 * week,))
            self.write("DELETE FROM drawn WHERE turn_id NOT IN (SELECT turn_id FROM said) AND turn_id NOT IN (SELECT turn_id FROM turns)")
            self.write("DELETE FROM audit WHERE at < ?", (now_ms - audit_days * day,))

    def close(self) -> None:
        self._connection.close()
