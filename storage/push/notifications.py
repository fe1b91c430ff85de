"""What a user was notified of. Fills `homeserver.push.store.NotificationStore`."""

from collections.abc import Sequence
from heapq import nlargest

from homeserver.push.store import Earshot, Heard
from homeserver.rooms.store import REDACTED
from storage.database import Cursor, Database
from storage.event_rows import SELECT, RoomNames

LAST = 2**62
_MAIN = """SELECT e.position FROM events e WHERE e.room_num = ? AND e.notifies = 1 AND e.thread IS NULL AND e.position > ? AND e.position < ?
    AND e.flags & ? = 0 AND e.sender <> ?
    AND NOT EXISTS (SELECT 1 FROM verdicts v WHERE v.user_id = ? AND v.room_num = e.room_num AND v.position = e.position)
    ORDER BY e.position DESC LIMIT ?"""
_THREADS = _MAIN.replace("e.thread IS NULL", "e.thread IS NOT NULL")
_VERDICTS = """SELECT position, highlight FROM verdicts WHERE user_id = ? AND room_num = ? AND position > ? AND position < ?
    AND notifies = 1 AND highlight >= ? ORDER BY position DESC LIMIT ?"""
_EVENTS = SELECT + "WHERE position IN ??"


class StoredNotifications:
    """NotificationStore over a database."""

    def __init__(self, database: Database, names: RoomNames) -> None:
        self._database = database
        self._names = names

    async def heard(self, user_id: str, rooms: Sequence[Earshot], before: int | None, limit: int, *, highlights: bool) -> list[Heard]:
        until = LAST if before is None else before

        def question(cursor: Cursor) -> list[Heard]:
            found: list[tuple[int, bool]] = []
            for room in rooms:
                num = self._names.num(cursor, room.room_id)
                span = (num, room.since, until)
                called = cursor.all(_VERDICTS, user_id, *span, int(highlights), limit)
                found.extend((position, bool(highlight)) for position, highlight in called)
                for sql in () if highlights or room.quiet else (_MAIN, _THREADS):
                    plain = cursor.all(sql, *span, REDACTED, user_id, user_id, limit)
                    found.extend((row[0], False) for row in plain)
            newest = dict(nlargest(limit, found))
            events = self._names.events(cursor, cursor.all(_EVENTS, list(newest))) if newest else []
            events.sort(key=lambda event: event.position or 0, reverse=True)
            return [Heard(event, newest[event.position or 0]) for event in events]

        return await self._database.scan(question)
