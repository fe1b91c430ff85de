"""Fills `homeserver.push.store.UnreadStore`."""

from collections.abc import Sequence

from homeserver.push.store import Unread, UnreadQuestion
from homeserver.rooms.store import REDACTED
from storage.database import Cursor, Database, Row
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
            found: list[list[Unread]] = [[] for _ in questions]
            for quiet in (False, True):
                places = [place for place, question in enumerate(questions) if question.quiet == quiet]
                for place, unread in zip(places, self._unread(cursor, [questions[place] for place in places], quiet=quiet), strict=True):
                    found[place] = unread
            return found

        return await (self._database.read(ask) if len(questions) == 1 else self._database.scan(ask))

    def _unread(self, cursor: Cursor, questions: Sequence[UnreadQuestion], *, quiet: bool) -> list[list[Unread]]:
        """Of rooms that are all quiet, or all not."""
        main, threads = (OWN_MAIN, OWN_THREADS) if quiet else (MAIN, THREADS)
        nums = [self._names.num(cursor, question.room_id) for question in questions]
        asked = list(zip(nums, questions, strict=True))
        who = [(one.user_id,) if quiet else (REDACTED, one.user_id) for one in questions]
        in_main = cursor.each(main, [(num, one.main, one.until, *of, MAX_COUNTED) for (num, one), of in zip(asked, who, strict=True)])
        in_threads = cursor.each(
            threads, [(num, one.threads, one.until, *of, MAX_COUNTED) for (num, one), of in zip(asked, who, strict=True)]
        )
        verdicts = cursor.each(VERDICTS, [(one.user_id, num, min(one.main, one.threads), one.until) for num, one in asked])
        return [
            _counted(one.user_id, [*rows, *more], said)
            for one, rows, more, said in zip(questions, in_main, in_threads, verdicts, strict=True)
        ]


def _counted(user_id: str, rows: Sequence[Row], verdicts: Sequence[Row]) -> list[Unread]:
    counted = {position: Unread(position, thread, highlight=False, is_own=sender == user_id) for position, thread, sender in rows}
    for position, thread, notifies, highlight in verdicts:
        if notifies:
            counted[position] = Unread(position, thread, highlight=bool(highlight))
        else:
            counted.pop(position, None)
    return [counted[position] for position in sorted(counted)]
