"""Fills `homeserver.push.store.UnreadStore`."""

from collections.abc import Sequence

from homeserver.push.store import Unread, UnreadQuestion
from homeserver.rooms.store import REDACTED
from storage.database import Cursor, Database
from storage.event_rows import RoomNames

MAX_COUNTED = 10_000  # per room and kind; more are not counted out
MAIN = (
    "SELECT position, thread, sender FROM events WHERE room_num = ? AND notifies = 1 AND thread IS NULL AND position > ? AND position <= ? "
    "AND (flags & ? = 0 OR sender = ?) ORDER BY position DESC LIMIT ?"
)
THREADS = (
    "SELECT position, thread, sender FROM events WHERE room_num = ? AND notifies = 1 AND thread IS NOT NULL AND position > ? "
    "AND position <= ? AND (flags & ? = 0 OR sender = ?) ORDER BY position DESC LIMIT ?"
)
# In a quiet room only what the user said himself has to be known of them.
OWN_MAIN = MAIN.replace("(flags & ? = 0 OR sender = ?)", "sender = ?")
OWN_THREADS = THREADS.replace("(flags & ? = 0 OR sender = ?)", "sender = ?")
VERDICTS = (
    "SELECT position, thread, notifies, highlight FROM verdicts WHERE user_id = ? AND room_num = ? AND position > ? AND position <= ?"
)


class StoredUnread:
    """UnreadStore over a database."""

    def __init__(self, database: Database, names: RoomNames) -> None:
        self._database = database
        self._names = names

    async def unread(self, questions: Sequence[UnreadQuestion]) -> list[list[Unread]]:
        def ask(cursor: Cursor) -> list[list[Unread]]:
            return [self._unread(cursor, question) for question in questions]

        return await (self._database.read(ask) if len(questions) == 1 else self._database.scan(ask))

    def _unread(self, cursor: Cursor, question: UnreadQuestion) -> list[Unread]:
        room_num = self._names.num(cursor, question.room_id)
        user_id, until = question.user_id, question.until
        main, threads = (OWN_MAIN, OWN_THREADS) if question.quiet else (MAIN, THREADS)
        who = (user_id,) if question.quiet else (REDACTED, user_id)
        counted = {
            position: Unread(position, thread, highlight=False, is_own=sender == user_id)
            for sql, since in ((main, question.main), (threads, question.threads))
            for position, thread, sender in cursor.all(sql, room_num, since, until, *who, MAX_COUNTED)
        }
        since = min(question.main, question.threads)
        for position, thread, notifies, highlight in cursor.all(VERDICTS, user_id, room_num, since, until):
            if notifies:
                counted[position] = Unread(position, thread, highlight=bool(highlight))
            else:
                counted.pop(position, None)
        return [counted[position] for position in sorted(counted)]
