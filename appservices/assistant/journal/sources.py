"""What an answer was drawn from: IDs and times alone. So what was redacted, has expired or is somebody's who opted out takes along the answers that may
repeat it, and they are in no later prompt."""

from collections.abc import Iterable
from typing import NamedTuple

from appservices.assistant.journal.file import JournalFile


class Source(NamedTuple):
    event: str
    sender: str
    at: int


class SourceJournal:
    def __init__(self, file: JournalFile) -> None:
        self._file = file

    def note(self, turn_id: str, room: str, sources: Iterable[Source]) -> None:
        with self._file.together():
            for source in sources:
                self._file.write(
                    "INSERT OR IGNORE INTO drawn (turn_id, event_id, room_id, sender, at) VALUES (?, ?, ?, ?, ?)",
                    (turn_id, source.event, room, source.sender, source.at),
                )

    def of_turn(self, turn_id: str) -> list[Source]:
        return [Source(*row) for row in self._file.rows("SELECT event_id, sender, at FROM drawn WHERE turn_id = ?", (turn_id,))]

    def of_answer(self, event_id: str) -> list[Source]:
        """Of what an event of ours says."""
        rows = self._file.rows(
            "SELECT event_id, sender, at FROM drawn WHERE turn_id = (SELECT turn_id FROM said WHERE event_id = ?)", (event_id,)
        )
        return [Source(*row) for row in rows]

    def is_known(self, event_id: str) -> bool:
        """Whether we know what that answer of ours says again."""
        return self._file.row("SELECT 1 FROM said WHERE event_id = ?", (event_id,)) is not None

    def turns_from(self, room: str, event_id: str) -> list[str]:
        return [str(row[0]) for row in self._file.rows("SELECT turn_id FROM drawn WHERE event_id = ? AND room_id = ?", (event_id, room))]
