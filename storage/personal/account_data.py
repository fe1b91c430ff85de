"""Account data. Fills `homeserver.account_data.store.AccountDataStore`."""

from collections.abc import Sequence

from homeserver.account_data.store import Edit, Entry, Marker, Put
from homeserver.streams import Change
from storage.database import Cursor, Database, WriteCursor

FULLY_READ = "m.fully_read"

_ALL = "SELECT room_id, type, content, position FROM account_data WHERE user_id = ? ORDER BY position"
_ONE = "SELECT content FROM account_data WHERE user_id = ? AND room_id = ? AND type = ?"
_PUT = """INSERT INTO account_data (user_id, room_id, type, content, position) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (user_id, room_id, type) DO UPDATE SET content = excluded.content, position = excluded.position"""
_MARKED = "SELECT position FROM events WHERE event_id = ?"


def put_entry(cursor: WriteCursor, item: Put) -> Entry:
    entry = Entry(item.room_id, item.type, item.content, cursor.position())
    cursor.many(_PUT, [(item.user_id, item.room_id, item.type, item.content, entry.position)])
    cursor.announce(Change(entry.position, "account_data", item.room_id or None, item.user_id, entry, len(item.content)))
    return entry


def _put_all(cursor: WriteCursor, items: Sequence[Put]) -> list[Entry]:
    return [put_entry(cursor, item) for item in items]


def _mark(cursor: WriteCursor, marker: Marker) -> Entry | None:
    before = cursor.value(_ONE, marker.user_id, marker.room_id, FULLY_READ)
    if before:
        marked_id = marker.event_of(before)
        marked = None if marked_id is None else cursor.value(_MARKED, marked_id)
        if marked is not None and marked >= marker.event_position:
            return None
    return put_entry(cursor, Put(marker.user_id, marker.room_id, FULLY_READ, marker.content()))


def _mark_all(cursor: WriteCursor, markers: Sequence[Marker]) -> list[Entry | None]:
    return [_mark(cursor, marker) for marker in markers]


class StoredAccountData:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, item: Put) -> Entry:
        return await self._database.write_grouped(_put_all, item)

    async def edit(self, user_id: str, room_id: str, type: str, edit: Edit) -> Entry | None:
        def change(cursor: WriteCursor) -> Entry | None:
            content = edit(cursor.value(_ONE, user_id, room_id, type) or None)
            return None if content is None else put_entry(cursor, Put(user_id, room_id, type, content))

        return await self._database.write(change)

    async def mark_read(self, marker: Marker) -> Entry | None:
        return await self._database.write_grouped(_mark_all, marker)

    async def all(self, user_id: str) -> list[Entry]:
        def question(cursor: Cursor) -> list[Entry]:
            return [Entry(room_id, type, bytes(content), position) for room_id, type, content, position in cursor.all(_ALL, user_id)]

        return await self._database.read(question)
