"""Receipts, and where the events stand to which they point. Fills `homeserver.ephemeral.store.ReceiptStore`."""

from collections.abc import Awaitable, Collection, Sequence

from homeserver.ephemeral.ports import EventPlace
from homeserver.ephemeral.store import PRIVATE_KIND, PUBLIC_KIND, READ_PRIVATE, NewReceipt, Receipt
from homeserver.rooms.store import HIDDEN
from homeserver.streams import Change
from storage.database import Cursor, Database, WriteCursor

RELATION_STEPS = 3
ROOMS_AT_ONCE = 500

_PLACE = """SELECT e.num, e.room_num, e.position, e.thread, e.flags FROM events e JOIN rooms r ON r.room_num = e.room_num
    WHERE e.event_id = ? AND r.room_id = ?"""
_PARENT = """SELECT r.parent_id, e.num, e.thread FROM relations r LEFT JOIN events e ON e.event_id = r.parent_id AND e.room_num = r.room_num
    WHERE r.num = ? ORDER BY r.parent_id LIMIT 1"""
_END = "SELECT room_num, (SELECT value FROM counters WHERE name = 'position') FROM rooms WHERE room_id = ?"
_BEFORE = "SELECT event_position FROM receipts WHERE room_num = ? AND user_id = ? AND receipt_type = ? AND thread = ?"
_PUT = """INSERT INTO receipts (room_num, user_id, receipt_type, thread, event_id, event_position, ts, position) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (room_num, user_id, receipt_type, thread) DO UPDATE
    SET event_id = excluded.event_id, event_position = excluded.event_position, ts = excluded.ts, position = excluded.position"""
_ALL = """SELECT r.room_id, p.user_id, p.receipt_type, p.thread, p.event_id, p.event_position, p.ts, p.position
    FROM receipts p JOIN rooms r ON r.room_num = p.room_num WHERE r.room_id IN ?? ORDER BY p.position"""
_CHANGED = """SELECT r.room_id FROM rooms r WHERE r.room_id IN ??
    AND EXISTS (SELECT 1 FROM receipts p WHERE p.room_num = r.room_num AND p.position > ?)"""


def _record(cursor: WriteCursor, new: NewReceipt) -> Receipt | None:
    receipt = new.receipt
    before = cursor.value(_BEFORE, new.room_num, receipt.user_id, receipt.type, receipt.thread)
    if before is not None and before >= receipt.event_position:
        return None
    stored = receipt._replace(position=cursor.position())
    _, user_id, type, thread, event_id, event_position, ts, position = stored
    cursor.many(_PUT, [(new.room_num, user_id, type, thread, event_id, event_position, ts, position)])
    kind = PRIVATE_KIND if type == READ_PRIVATE else PUBLIC_KIND
    cursor.announce(Change(position, kind, receipt.room_id, user_id, stored))
    return stored


def _record_all(cursor: WriteCursor, items: Sequence[NewReceipt]) -> list[Receipt | None]:
    return [_record(cursor, new) for new in items]


def _place(cursor: Cursor, room_id: str, event_id: str, relations: bool) -> EventPlace | None:
    row = cursor.one(_PLACE, event_id, room_id)
    if row is None or row[2] is None or row[4] & HIDDEN:
        return None
    num, room_num, position, thread, _ = row
    ancestors: set[str] = set()
    for _ in range(RELATION_STEPS if thread is None and relations else 0):
        parent = cursor.one(_PARENT, num)
        if parent is None:
            break
        parent_id, num, thread = parent
        ancestors.add(parent_id)
        if num is None or thread is not None:
            break
    return EventPlace(room_num, position, thread, frozenset(ancestors))


class StoredReceipts:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def place(self, room_id: str, event_id: str, *, relations: bool) -> EventPlace | None:
        return await self._database.read(lambda cursor: _place(cursor, room_id, event_id, relations))

    async def end(self, room_id: str) -> EventPlace | None:
        row = await self._database.read(lambda cursor: cursor.one(_END, room_id))
        return None if row is None else EventPlace(row[0], row[1], None, frozenset())

    def record(self, new: NewReceipt) -> Awaitable[Receipt | None]:
        return self._database.write_grouped(_record_all, new)

    async def all(self, room_id: str) -> list[Receipt]:
        rows = await self._database.read(lambda cursor: cursor.all(_ALL, [room_id]))
        return [Receipt(*row) for row in rows]

    async def all_of(self, room_ids: Sequence[str]) -> dict[str, list[Receipt]]:
        def question(cursor: Cursor) -> dict[str, list[Receipt]]:
            found: dict[str, list[Receipt]] = {}
            for start in range(0, len(room_ids), ROOMS_AT_ONCE):
                for row in cursor.all(_ALL, list(room_ids[start : start + ROOMS_AT_ONCE])):
                    found.setdefault(row[0], []).append(Receipt(*row))
            return found

        return await self._database.scan(question)

    async def changed(self, room_ids: Collection[str], since: int) -> set[str]:
        wanted = list(room_ids)
        rows = await self._database.read(lambda cursor: cursor.all(_CHANGED, wanted, since))
        return {row[0] for row in rows}
