"""Removing what events said to single users, once nobody counts it any more."""

from storage.database import Cursor, Database, WriteCursor

_READ = """SELECT v.user_id, v.room_num, v.position FROM verdicts v JOIN events e ON e.position = v.position WHERE e.ts < ?
    AND (EXISTS (SELECT 1 FROM receipts r WHERE r.room_num = v.room_num AND r.user_id = v.user_id AND r.event_position >= v.position
            AND (r.thread = '' OR r.thread = coalesce(v.thread, 'main')))
        OR NOT EXISTS (SELECT 1 FROM memberships m WHERE m.room_num = v.room_num AND m.user_id = v.user_id AND m.membership = 'join'))
    ORDER BY v.position LIMIT ?"""
_FORGET = "DELETE FROM verdicts WHERE user_id = ? AND room_num = ? AND position = ?"


async def forget_verdicts(database: Database, before_ms: int, most: int) -> int:
    """Found by a scan: those that are passed over, of people who do not read, can be many."""

    def question(cursor: Cursor) -> list[tuple[object, ...]]:
        return cursor.all(_READ, before_ms, most)

    found = await database.scan(question)
    if found:
        await database.write(lambda cursor: _forget(cursor, found))
    return len(found)


def _forget(cursor: WriteCursor, found: list[tuple[object, ...]]) -> None:
    cursor.many(_FORGET, found)
