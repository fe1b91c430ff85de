"""Turns and what was said in them."""

from dataclasses import dataclass

from appservices.assistant.journal.file import JournalFile


@dataclass(frozen=True)
class TurnRecord:
    id: str
    room: str
    event: str  # by which it was asked for
    sender: str
    skill: str
    target: str  # what it is about, where that is another event
    asked_at: int
    state: str = "new"  # then begun, then done
    edit: str = ""  # the edit that made it ask for this


class TurnJournal:
    def __init__(self, file: JournalFile) -> None:
        self._file = file

    def is_known(self, txn: str) -> bool:
        return self._file.row("SELECT 1 FROM transactions WHERE txn_id = ?", (txn,)) is not None

    def take(self, txn: str, now_ms: int, turns: list[TurnRecord]) -> list[TurnRecord]:
        """The transaction and its turns, or nothing; those that were not known. A transaction that asks for nothing is not written down: looked
        at again it asks for nothing again."""
        fresh: list[TurnRecord] = []
        if not turns:
            return fresh
        with self._file.together():
            self._file.write("INSERT OR IGNORE INTO transactions (txn_id, at) VALUES (?, ?)", (txn, now_ms))
            for turn in turns:
                if self.add(turn):
                    fresh.append(turn)
        return fresh

    def add(self, turn: TurnRecord) -> bool:
        values = (turn.id, turn.room, turn.event, turn.sender, turn.skill, turn.target, turn.asked_at, turn.edit)
        statement = (
            "INSERT OR IGNORE INTO turns (turn_id, room_id, event_id, sender, skill, target, asked_at, edit, state, number) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'new', (SELECT COALESCE(MAX(number), 0) + 1 FROM turns))"
        )
        return self._file.write(statement, values) == 1

    def open_turns(self) -> list[TurnRecord]:
        rows = self._file.rows(
            "SELECT turn_id, room_id, event_id, sender, skill, target, asked_at, state, edit FROM turns WHERE state IN ('new', 'begun') ORDER BY number"
        )
        return [TurnRecord(*row) for row in rows]

    def begin(self, turn_id: str) -> None:
        self._file.write("UPDATE turns SET state = 'begun' WHERE turn_id = ?", (turn_id,))

    def finish(self, turn_id: str) -> None:
        self._file.write("UPDATE turns SET state = 'done' WHERE turn_id = ?", (turn_id,))

    def is_done(self, turn_id: str) -> bool:
        return self._file.row("SELECT 1 FROM turns WHERE turn_id = ? AND state = 'done'", (turn_id,)) is not None

    def of_event(self, room: str, event_id: str) -> list[str]:
        """Those of the room that it asked for, or that are about it."""
        rows = self._file.rows(
            "SELECT turn_id FROM turns WHERE room_id = ? AND (event_id = ? OR target = ? OR edit = ?)", (room, event_id, event_id, event_id)
        )
        return [str(row[0]) for row in rows]

    def asked_by(self, event_id: str) -> list[TurnRecord]:
        rows = self._file.rows(
            "SELECT turn_id, room_id, event_id, sender, skill, target, asked_at, state, edit FROM turns WHERE event_id = ?", (event_id,)
        )
        return [TurnRecord(*row) for row in rows]

    def say(self, event_id: str, room: str, turn_id: str, now_ms: int) -> None:
        self._file.write(
            "INSERT OR IGNORE INTO said (event_id, room_id, turn_id, at) VALUES (?, ?, ?, ?)", (event_id, room, turn_id, now_ms)
        )

    def said_in(self, turn_id: str) -> list[str]:
        return [str(row[0]) for row in self._file.rows("SELECT event_id FROM said WHERE turn_id = ?", (turn_id,))]

    def turn_that_said(self, event_id: str) -> str | None:
        row = self._file.row("SELECT turn_id FROM said WHERE event_id = ?", (event_id,))
        return None if row is None else str(row[0])

    def sender_of(self, turn_id: str) -> str | None:
        row = self._file.row("SELECT sender FROM turns WHERE turn_id = ?", (turn_id,))
        return None if row is None else str(row[0])
