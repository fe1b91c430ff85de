"""The journal over the versions of the program: older ones are taken up with what is in them, newer ones are refused in one line."""

from pathlib import Path

import apsw
import pytest

from appservices.assistant.journal.accounts import SpendingJournal
from appservices.assistant.journal.file import JournalFile
from appservices.assistant.journal.migrate import migrate, steps
from appservices.assistant.journal.turns import TurnJournal, TurnRecord
from appservices.assistant.runtime import MachineWorkers
from appservices.assistant.settings import BadSettings
from tests.assistant.loop import NOON_MS

# As the first build made it, in what has changed since.
FIRST = """
CREATE TABLE transactions (txn_id TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE turns (
    turn_id TEXT PRIMARY KEY, room_id TEXT NOT NULL, event_id TEXT NOT NULL, sender TEXT NOT NULL, skill TEXT NOT NULL, target TEXT NOT NULL,
    asked_at INTEGER NOT NULL, state TEXT NOT NULL, number INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX turns_open ON turns (state, number);
CREATE TABLE said (event_id TEXT PRIMARY KEY, room_id TEXT NOT NULL, turn_id TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO turns VALUES ('t1', '!r', '$asked', '@a:b', 'ask', '', 5, 'new', 1);
INSERT INTO said VALUES ('$said', '!r', 't0', 4);
"""
OLD = TurnRecord("t1", "!r", "$asked", "@a:b", "ask", "", 5)
NEW = TurnRecord("t2", "!r", "$asked", "@a:b", "ask", "", 6, edit="$edit")


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "assistant.db")


def opened(path: str) -> JournalFile:
    return JournalFile(path, MachineWorkers(lambda call, *args: call(*args), 1))


def schema(file: JournalFile) -> set[str]:
    return {str(row[0]) for row in file.rows("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")}


def test_a_journal_of_a_time_without_numbers_is_taken_up(path: str, tmp_path: Path) -> None:
    old = apsw.Connection(path)
    old.execute(FIRST)
    old.close()
    file = opened(path)
    turns = TurnJournal(file)
    assert turns.open_turns() == [OLD]
    assert turns.add(NEW)
    assert turns.of_event(NEW.room, "$edit") == ["t2"]
    assert file.rows("SELECT turn_id FROM said") == [("t0",)]
    assert file.row("PRAGMA user_version") == (len(steps()),)
    assert schema(file) == schema(opened(str(tmp_path / "fresh.db")))
    file.close()
    again = opened(path)
    assert TurnJournal(again).open_turns() == [OLD, NEW]


def test_one_of_the_last_build_without_numbers_too(path: str) -> None:
    file = opened(path)
    TurnJournal(file).add(NEW)
    file.write("PRAGMA user_version = 0")
    file.close()
    assert TurnJournal(opened(path)).open_turns() == [NEW]


def test_steps_come_in_order_and_whole_or_not_at_all(path: str) -> None:
    opened(path).close()
    connection = apsw.Connection(path)
    further = [*steps(), "CREATE TABLE one (a TEXT); INSERT INTO one VALUES ('x')", "ALTER TABLE one ADD COLUMN b TEXT; SELECT nothing"]
    with pytest.raises(apsw.SQLError):
        migrate(connection, path, further)
    assert connection.pragma("user_version") == len(further) - 1
    assert list(connection.execute("SELECT * FROM one")) == [("x",)]
    migrate(connection, path, [*further[:-1], "ALTER TABLE one ADD COLUMN b TEXT"])
    assert list(connection.execute("SELECT * FROM one")) == [("x", None)]


def test_a_newer_journal_is_refused(path: str) -> None:
    file = opened(path)
    file.write("PRAGMA user_version = 99")
    file.close()
    with pytest.raises(BadSettings, match="version 99, newer than") as refused:
        opened(path)
    assert "\n" not in str(refused.value)


def test_what_is_no_journal_is_refused(path: str) -> None:
    Path(path).write_bytes(b"This is a letter, and no database at all. " * 100)
    with pytest.raises(BadSettings, match=r"assistant\.database: .* cannot be used"):
        opened(path)


def test_what_was_spent_long_ago_is_nobodys_business(path: str) -> None:
    file = opened(path)
    spending = SpendingJournal(file)
    periods = ("2024-12", "2025-08-31", "2025-09", "2025-10", "2025-10-01", "2025-11-24")
    spending.spend([("user", "@a:b", period) for period in periods], 5, 1)
    file.clean(NOON_MS, 90)
    assert [spending.spent("user", "@a:b", period)[0] for period in periods] == [0, 0, 0, 5, 5, 5]
    file.close()
