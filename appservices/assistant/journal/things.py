"""Tasks, meetings, reminders and proposals: where they are and when, their text stays in the room."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from appservices.assistant.journal.file import JournalFile


@dataclass(frozen=True)
class Task:
    event: str
    room: str
    source: str
    creator: str
    assignee: str
    due: int
    is_open: bool
    number: int


@dataclass(frozen=True)
class Meeting:
    poll: str
    room: str
    asker: str
    slots: str  # starts in milliseconds, as JSON
    minutes: int


@dataclass(frozen=True)
class Reminder:
    id: str
    room: str
    event: str
    kind: str
    due: int


@dataclass(frozen=True)
class Proposal:
    event: str
    room: str
    source: str
    asker: str
    tool: str
    arguments: str  # not stored: they stand in the room
    digest: str
    expires: int


class ThingJournal:
    def __init__(self, file: JournalFile) -> None:
        self._file = file
        self._on_their_way: dict[str, list[int]] = {}  # room to numbers of tasks that are being said

    def add_task(self, task: Task) -> Task:
        """With the number that people call it by in its room."""
        self._file.write(
            "INSERT OR IGNORE INTO tasks (event_id, room_id, source_event, creator, assignee, due, is_open, number) VALUES (?, ?, ?, ?, ?, ?, 1, ?)",
            (task.event, task.room, task.source, task.creator, task.assignee, task.due, task.number),
        )
        return task

    @contextmanager
    def task_number(self, room: str) -> Iterator[int]:
        """The next one there, nobody else's until it is said."""
        row = self._file.row("SELECT COALESCE(MAX(number), 0) FROM tasks WHERE room_id = ?", (room,))
        taken = self._on_their_way.setdefault(room, [])
        number = max(0 if row is None else int(row[0]), *taken, 0) + 1
        taken.append(number)
        try:
            yield number
        finally:
            taken.remove(number)
            if not taken and self._on_their_way.get(room) is taken:
                del self._on_their_way[room]

    def tasks(self, room: str) -> list[Task]:
        rows = self._file.rows(
            "SELECT event_id, room_id, source_event, creator, assignee, due, is_open, number FROM tasks WHERE room_id = ? ORDER BY number",
            (room,),
        )
        return [Task(row[0], row[1], row[2], row[3], row[4], row[5], bool(row[6]), row[7]) for row in rows]

    def assignee(self, event: str) -> str:
        """Of that task; nothing where there is none."""
        row = self._file.row("SELECT assignee FROM tasks WHERE event_id = ?", (event,))
        return "" if row is None else str(row[0])

    def change_task(self, event: str, *, assignee: str, due: int, is_open: bool) -> None:
        """A reminder that was handed over with another name is handed over in vain."""
        self._file.write(
            "UPDATE handed SET due = -1 WHERE id IN (SELECT r.id FROM reminders r JOIN tasks t ON t.event_id = r.event_id "
            "WHERE t.event_id = ? AND t.assignee <> ?)",
            (event, assignee),
        )
        self._file.write("UPDATE tasks SET assignee = ?, due = ?, is_open = ? WHERE event_id = ?", (assignee, due, is_open, event))

    def forget_task(self, room: str, event: str) -> None:
        which = (room, event, event)
        self._file.write(
            "DELETE FROM reminders WHERE event_id IN (SELECT event_id FROM tasks WHERE room_id = ? AND (event_id = ? OR source_event = ?))",
            which,
        )
        self._file.write("DELETE FROM tasks WHERE room_id = ? AND (event_id = ? OR source_event = ?)", which)

    def add_meeting(self, meeting: Meeting) -> None:
        self._file.write(
            "INSERT OR IGNORE INTO meetings (poll_event, room_id, asker, slots, minutes, is_open) VALUES (?, ?, ?, ?, ?, 1)",
            (meeting.poll, meeting.room, meeting.asker, meeting.slots, meeting.minutes),
        )

    def open_meetings(self, room: str) -> list[Meeting]:
        rows = self._file.rows("SELECT poll_event, room_id, asker, slots, minutes FROM meetings WHERE room_id = ? AND is_open", (room,))
        return [Meeting(*row) for row in rows]

    def close_meeting(self, poll: str) -> None:
        self._file.write("UPDATE meetings SET is_open = 0 WHERE poll_event = ?", (poll,))

    def forget_meeting(self, room: str, event: str) -> None:
        self._file.write("DELETE FROM meetings WHERE room_id = ? AND poll_event = ?", (room, event))
        self._file.write("DELETE FROM reminders WHERE room_id = ? AND event_id = ?", (room, event))

    def remind(self, reminder: Reminder) -> None:
        self._file.write(
            "INSERT INTO reminders (id, room_id, event_id, kind, due) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET due = excluded.due",
            (reminder.id, reminder.room, reminder.event, reminder.kind, reminder.due),
        )

    def due_reminders(self, now_ms: int) -> list[Reminder]:
        return [
            Reminder(*row) for row in self._file.rows("SELECT id, room_id, event_id, kind, due FROM reminders WHERE due <= ?", (now_ms,))
        ]

    def hand(self, reminder_id: str, delay_id: str, due: int) -> None:
        """The homeserver will say it."""
        self._file.write("INSERT OR REPLACE INTO handed (id, delay_id, due) VALUES (?, ?, ?)", (reminder_id, delay_id, due))

    def handed(self, reminder: Reminder) -> str | None:
        row = self._file.row("SELECT delay_id FROM handed WHERE id = ? AND due = ?", (reminder.id, reminder.due))
        return None if row is None else str(row[0])

    def handed_in_vain(self) -> list[tuple[str, str]]:
        """Of reminders that are gone, or have another time."""
        rows = self._file.rows(
            "SELECT id, delay_id FROM handed h WHERE NOT EXISTS (SELECT 1 FROM reminders r WHERE r.id = h.id AND r.due = h.due)"
        )
        return [(str(row[0]), str(row[1])) for row in rows]

    def all_handed(self) -> list[tuple[str, str, str]]:
        """With their rooms."""
        rows = self._file.rows("SELECT h.id, h.delay_id, r.room_id FROM handed h JOIN reminders r ON r.id = h.id")
        return [(str(row[0]), str(row[1]), str(row[2])) for row in rows]

    def take_back(self, reminder_id: str) -> None:
        self._file.write("DELETE FROM handed WHERE id = ?", (reminder_id,))

    def said(self, event: str, reminder: Reminder, now_ms: int) -> None:
        """It goes with the task or meeting that it reminds of."""
        self._file.write(
            "INSERT OR IGNORE INTO said (event_id, room_id, turn_id, at) SELECT ?, room_id, turn_id, ? FROM said WHERE event_id = ?",
            (event, now_ms, reminder.event),
        )

    def next_reminder(self) -> int | None:
        row = self._file.row("SELECT MIN(due) FROM reminders")
        return None if row is None or row[0] is None else int(row[0])

    def forget_reminder(self, reminder_id: str) -> None:
        self._file.write("DELETE FROM reminders WHERE id = ?", (reminder_id,))

    def propose(self, proposal: Proposal) -> None:
        values = (
            proposal.event,
            proposal.room,
            proposal.source,
            proposal.asker,
            proposal.tool,
            proposal.arguments,
            proposal.digest,
            proposal.expires,
        )
        self._file.write(
            "INSERT OR IGNORE INTO proposals (event_id, room_id, source_event, asker, tool, arguments, digest, expires) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )

    def proposal(self, event: str) -> Proposal | None:
        row = self._file.row(
            "SELECT event_id, room_id, source_event, asker, tool, arguments, digest, expires FROM proposals WHERE event_id = ?", (event,)
        )
        return None if row is None else Proposal(*row)

    def drop_proposal(self, event: str) -> None:
        self._file.erase("DELETE FROM proposals WHERE event_id = ?", (event,))

    def drop_proposals_of(self, room: str, asker: str) -> None:
        self._file.erase("DELETE FROM proposals WHERE room_id = ? AND asker = ?", (room, asker))

    def drop_old_proposals(self, now_ms: int) -> None:
        if self._file.row("SELECT 1 FROM proposals WHERE expires < ?", (now_ms,)) is not None:
            self._file.erase("DELETE FROM proposals WHERE expires < ?", (now_ms,))
