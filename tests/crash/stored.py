"""A look into the database itself: is the file sound, and does every event keep its own position?"""

import shutil
from pathlib import Path

import apsw
import psycopg2

EVENTS = "SELECT event_id, position FROM events WHERE position IS NOT NULL"
COUNTER = "SELECT value FROM counters WHERE name = 'position'"


class Positions:
    """The positions of events, over all crashes."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def check(self, rows: list[tuple[str, int]], counter: int) -> None:
        found = dict(rows)
        assert len(set(found.values())) == len(found), "two events share a position"
        assert not found or max(found.values()) <= counter, "the counter of positions lies behind the events"
        for event_id, position in self._known.items():
            assert found.get(event_id) == position, f"{event_id} stood at {position}, now at {found.get(event_id)}"
        self._known = found


def check_sqlite(file: Path, scratch: Path, positions: Positions) -> None:
    """On a copy, so that the server itself recovers its log. Nobody writes meanwhile."""
    copy = scratch / "copy.db"
    shutil.copy(file, copy)
    log = file.with_name(file.name + "-wal")
    if log.exists():
        shutil.copy(log, copy.with_name(copy.name + "-wal"))
    connection = apsw.Connection(str(copy))
    try:
        verdict = connection.execute("PRAGMA integrity_check").fetchall()
        assert verdict == [("ok",)], verdict
        rows = connection.execute(EVENTS).fetchall()
        positions.check(
            [(str(event_id), int(str(position))) for event_id, position in rows], _number(connection.execute(COUNTER).fetchall())
        )
    finally:
        connection.close()
        for path in scratch.glob("copy.db*"):
            path.unlink()


def check_postgres(url: str, positions: Positions) -> None:
    connection = psycopg2.connect(url)
    try:
        cursor = connection.cursor()
        cursor.execute(EVENTS)
        rows = cursor.fetchall()
        cursor.execute(COUNTER)
        positions.check([(str(event_id), int(position)) for event_id, position in rows], _number(cursor.fetchall()))
    finally:
        connection.close()


def _number(rows: list[tuple[object, ...]]) -> int:
    return int(str(rows[0][0]))
