"""Key backups. Fills `homeserver.encryption.backup.store.BackupStore`."""

from collections.abc import Sequence
from itertools import groupby

from homeserver.encryption.backup.store import BackupKey, BackupVersion, IsBetter, KeyPlace
from storage.database import Cursor, Database, Row, WriteCursor, batches

_LAST_NUMBER = "SELECT max(version) FROM backup_versions WHERE user_id = ?"
_CREATE = "INSERT INTO backup_versions (user_id, version, algorithm, auth_data, etag, key_count) VALUES (?, ?, ?, ?, 0, 0)"
_VERSION = """SELECT version, algorithm, auth_data, etag, key_count FROM backup_versions
    WHERE user_id = ? AND version = ? AND deleted = 0"""
_LAST = """SELECT version, algorithm, auth_data, etag, key_count FROM backup_versions
    WHERE user_id = ? AND deleted = 0 ORDER BY version DESC LIMIT 1"""
_SET_AUTH = "UPDATE backup_versions SET auth_data = ? WHERE user_id = ? AND version = ?"
_DELETE = "UPDATE backup_versions SET deleted = 1, auth_data = ?, key_count = 0 WHERE user_id = ? AND version = ?"
_COUNTED = "UPDATE backup_versions SET etag = etag + 1, key_count = key_count + ? WHERE user_id = ? AND version = ?"
_COLUMNS = "SELECT room_id, session_id, first_message_index, forwarded_count, is_verified, body FROM backup_keys "
_HELD = _COLUMNS + "WHERE user_id = ? AND version = ? AND room_id = ? AND session_id IN ??"
_PUT = """INSERT INTO backup_keys
    (user_id, version, room_id, session_id, first_message_index, forwarded_count, is_verified, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (user_id, version, room_id, session_id) DO UPDATE SET first_message_index = excluded.first_message_index,
    forwarded_count = excluded.forwarded_count, is_verified = excluded.is_verified, body = excluded.body"""
_ALL = _COLUMNS + "WHERE user_id = ? AND version = ? ORDER BY room_id, session_id"
_OF_ROOM = _COLUMNS + "WHERE user_id = ? AND version = ? AND room_id = ? ORDER BY session_id"
_ONE = _COLUMNS + "WHERE user_id = ? AND version = ? AND room_id = ? AND session_id = ?"
_REMOVE_ALL = "DELETE FROM backup_keys WHERE user_id = ? AND version = ?"
_REMOVE_OF_ROOM = "DELETE FROM backup_keys WHERE user_id = ? AND version = ? AND room_id = ?"
_REMOVE_ONE = "DELETE FROM backup_keys WHERE user_id = ? AND version = ? AND room_id = ? AND session_id = ?"
SESSIONS_AT_ONCE = 500


def _version(row: Row | None) -> BackupVersion | None:
    return None if row is None else BackupVersion(row[0], row[1], bytes(row[2]), row[3], row[4])


def _key(row: Row) -> BackupKey:
    return BackupKey(row[0], row[1], row[2], row[3], bool(row[4]), bytes(row[5]))


def _put(cursor: WriteCursor, user_id: str, version: int, keys: Sequence[BackupKey], is_better: IsBetter) -> None:
    added, changed = 0, 0
    for room_id, of_room in groupby(keys, lambda key: key.room_id):
        for some in batches(of_room, SESSIONS_AT_ONCE):
            rows = cursor.all(_HELD, user_id, version, room_id, [key.session_id for key in some])
            held = {row[1]: _key(row) for row in rows}
            taken = [key for key in some if key.session_id not in held or is_better(key, held[key.session_id])]
            if taken:
                cursor.many(_PUT, [(user_id, version, *key[:4], int(key.is_verified), key.body) for key in taken])
            added += sum(key.session_id not in held for key in taken)
            changed += len(taken)
    if changed:
        cursor.run(_COUNTED, added, user_id, version)


class StoredBackups:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, user_id: str, algorithm: str, auth_data: bytes) -> int:
        def change(cursor: WriteCursor) -> int:
            version: int = (cursor.value(_LAST_NUMBER, user_id) or 0) + 1
            cursor.run(_CREATE, user_id, version, algorithm, auth_data)
            return version

        return await self._database.write(change)

    async def version(self, user_id: str, version: int | None) -> BackupVersion | None:
        def question(cursor: Cursor) -> BackupVersion | None:
            return _version(cursor.one(_LAST, user_id) if version is None else cursor.one(_VERSION, user_id, version))

        return await self._database.read(question)

    async def set_auth_data(self, user_id: str, version: int, auth_data: bytes) -> None:
        await self._database.write(lambda cursor: cursor.run(_SET_AUTH, auth_data, user_id, version))

    async def delete(self, user_id: str, version: int) -> bool:
        def change(cursor: WriteCursor) -> bool:
            cursor.run(_REMOVE_ALL, user_id, version)
            return bool(cursor.run(_DELETE, b"{}", user_id, version))

        return await self._database.write(change)

    async def put(self, user_id: str, version: int, keys: Sequence[BackupKey], is_better: IsBetter) -> BackupVersion | None:
        def change(cursor: WriteCursor) -> BackupVersion | None:
            last = _version(cursor.one(_LAST, user_id))
            if last is None or last.version != version:
                return None
            _put(cursor, user_id, version, keys, is_better)
            return _version(cursor.one(_VERSION, user_id, version))

        return await self._database.write(change)

    async def keys(self, user_id: str, version: int, place: KeyPlace) -> list[BackupKey]:
        def question(cursor: Cursor) -> list[BackupKey]:
            if place.room_id is None:
                rows = cursor.all(_ALL, user_id, version)
            elif place.session_id is None:
                rows = cursor.all(_OF_ROOM, user_id, version, place.room_id)
            else:
                rows = cursor.all(_ONE, user_id, version, place.room_id, place.session_id)
            return [_key(row) for row in rows]

        return await (self._database.scan(question) if place.session_id is None else self._database.read(question))

    async def remove_keys(self, user_id: str, version: int, place: KeyPlace) -> BackupVersion | None:
        def change(cursor: WriteCursor) -> BackupVersion | None:
            if cursor.one(_VERSION, user_id, version) is None:
                return None
            if place.room_id is None:
                removed = cursor.run(_REMOVE_ALL, user_id, version)
            elif place.session_id is None:
                removed = cursor.run(_REMOVE_OF_ROOM, user_id, version, place.room_id)
            else:
                removed = cursor.run(_REMOVE_ONE, user_id, version, place.room_id, place.session_id)
            if removed:
                cursor.run(_COUNTED, -removed, user_id, version)
            return _version(cursor.one(_VERSION, user_id, version))

        return await self._database.write(change)
