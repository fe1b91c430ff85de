"""What is known of each file. Fills `homeserver.media.store.MediaStore`."""

from homeserver.media.store import MEDIA, Content, Filled, MediaRecord, Quota, Usage
from homeserver.streams import Change
from storage.database import Cursor, Database, Rollback, Row, WriteCursor

_SELECT = """SELECT m.origin, m.media_id, m.uploader, m.created_ts, m.expires_ts, m.digest, m.size, m.content_type, m.file_name, m.accessed_ts,
    q.quarantined_by FROM media m LEFT JOIN quarantined_files q ON q.digest = m.digest"""
_GET = _SELECT + " WHERE m.origin = ? AND m.media_id = ?"
_OF_USER = (
    _SELECT
    + """ WHERE m.uploader = ? AND (m.created_ts > ? OR (m.created_ts = ? AND m.media_id > ?))
    ORDER BY m.created_ts, m.media_id LIMIT ?"""
)
_OLDEST = _SELECT + " WHERE m.uploader = ? ORDER BY m.created_ts, m.media_id LIMIT ? OFFSET ?"
_NEWEST = _SELECT + " WHERE m.uploader = ? ORDER BY m.created_ts DESC, m.media_id DESC LIMIT ? OFFSET ?"
_COUNT = "SELECT count(*) FROM media WHERE uploader = ?"
_ADD = """INSERT INTO media (origin, media_id, uploader, created_ts, expires_ts, digest, size, content_type, file_name, accessed_ts)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (origin, media_id) DO NOTHING"""
_FILL = """UPDATE media SET digest = ?, size = ?, content_type = ?, file_name = ?, expires_ts = NULL, accessed_ts = ?
    WHERE origin = ? AND media_id = ?"""
_PLACE = "SELECT uploader, expires_ts FROM media WHERE origin = ? AND media_id = ?"
_PENDING = "SELECT count(*) FROM media WHERE uploader = ? AND digest IS NULL AND expires_ts > ?"
_USE = """INSERT INTO media_usage (user_id, files, bytes) VALUES (?, 1, ?)
    ON CONFLICT (user_id) DO UPDATE SET files = media_usage.files + 1, bytes = media_usage.bytes + excluded.bytes"""
_UNUSE = "UPDATE media_usage SET files = files - 1, bytes = bytes - ? WHERE user_id = ?"
_USAGE = "SELECT files, bytes FROM media_usage WHERE user_id = ?"
_TOUCH = "UPDATE media SET accessed_ts = ? WHERE origin = ? AND media_id = ?"
_UNUSED_UPLOADS = """SELECT origin, media_id FROM media WHERE accessed_ts < ? AND digest IS NOT NULL AND uploader IS NOT NULL
    ORDER BY accessed_ts LIMIT ?"""
_UNUSED_FETCHED = """SELECT origin, media_id FROM media WHERE accessed_ts < ? AND digest IS NOT NULL AND uploader IS NULL
    ORDER BY accessed_ts LIMIT ?"""
_REMOVE = "DELETE FROM media WHERE origin = ? AND media_id = ? RETURNING uploader, digest, size"
_FORGET_RESERVATIONS = """DELETE FROM media WHERE media_id IN (SELECT media_id FROM media WHERE digest IS NULL AND expires_ts < ?
    ORDER BY expires_ts LIMIT ?) AND digest IS NULL"""
_IN_MEDIA = "SELECT 1 FROM media WHERE digest = ? LIMIT 1"
_IN_THUMBNAILS = "SELECT 1 FROM thumbnails WHERE file = ? LIMIT 1"
_DROP_THUMBNAILS = "DELETE FROM thumbnails WHERE digest = ? RETURNING file"
_LEAVE_OVER = "INSERT INTO leftover_files (digest) VALUES (?) ON CONFLICT (digest) DO NOTHING"
_QUARANTINE = "INSERT INTO quarantined_files (digest, quarantined_by, ts) VALUES (?, ?, ?) ON CONFLICT (digest) DO NOTHING"
_START = (-1, "")


def _record(row: Row) -> MediaRecord:
    digest = None if row[5] is None else bytes(row[5])
    return MediaRecord._make((*row[:5], digest, *row[6:]))


def _usage(cursor: Cursor, user_id: str) -> Usage:
    row = cursor.one(_USAGE, user_id)
    return Usage(0, 0) if row is None else Usage(*row)


def is_referenced(cursor: Cursor, digest: bytes) -> bool:
    return cursor.one(_IN_MEDIA, digest) is not None or cursor.one(_IN_THUMBNAILS, digest) is not None


class StoredMedia:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, origin: str, media_id: str) -> MediaRecord | None:
        row = await self._database.read(lambda cursor: cursor.one(_GET, origin, media_id))
        return None if row is None else _record(row)

    async def usage(self, user_id: str) -> Usage:
        return await self._database.read(lambda cursor: _usage(cursor, user_id))

    async def add(self, record: MediaRecord, quota: Quota) -> bool:
        def change(cursor: WriteCursor) -> bool:
            uploader = record.uploader
            if uploader is not None:
                if quota.is_exceeded(_usage(cursor, uploader), record.size):
                    return False
                cursor.run(_USE, uploader, record.size)
            if cursor.run(_ADD, *record[:10]) == 0:
                raise Rollback(True)  # another process has fetched the same
            return True

        return await self._database.write(change)

    async def reserve(self, record: MediaRecord, most: int) -> bool:
        def change(cursor: WriteCursor) -> bool:
            if int(cursor.value(_PENDING, record.uploader, record.created_ts)) >= most:
                return False
            cursor.run(_ADD, *record[:10])
            return True

        return await self._database.write(change)

    async def fill(self, origin: str, media_id: str, content: Content, now_ms: int, quota: Quota) -> Filled:
        def change(cursor: WriteCursor) -> Filled:
            place = cursor.one(_PLACE, origin, media_id)
            if place is None:
                return Filled.GONE
            uploader, expires = place
            if expires is None:
                return Filled.TAKEN
            if expires <= now_ms:
                return Filled.GONE
            if quota.is_exceeded(_usage(cursor, uploader), content.size):
                return Filled.OVER_QUOTA
            cursor.run(_FILL, *content, now_ms, origin, media_id)
            cursor.run(_USE, uploader, content.size)
            cursor.announce(Change(cursor.position(), MEDIA, None, uploader, (origin, media_id)))
            return Filled.DONE

        return await self._database.write(change)

    async def touch(self, origin: str, media_id: str, now_ms: int) -> None:
        await self._database.write(lambda cursor: cursor.run(_TOUCH, now_ms, origin, media_id))

    async def of_user(self, user_id: str, after: tuple[int, str] | None, limit: int) -> list[MediaRecord]:
        ts, media_id = after or _START
        rows = await self._database.read(lambda cursor: cursor.all(_OF_USER, user_id, ts, ts, media_id, limit))
        return [_record(row) for row in rows]

    async def listed(self, user_id: str, offset: int, limit: int, *, newest_first: bool) -> list[MediaRecord]:
        sql = _NEWEST if newest_first else _OLDEST
        return [_record(row) for row in await self._database.scan(lambda cursor: cursor.all(sql, user_id, limit, offset))]

    async def count_of_user(self, user_id: str) -> int:
        return int(await self._database.scan(lambda cursor: cursor.value(_COUNT, user_id)))

    async def unused(self, before_ms: int, most: int, *, uploaded: bool) -> list[tuple[str, str]]:
        sql = _UNUSED_UPLOADS if uploaded else _UNUSED_FETCHED
        rows = await self._database.scan(lambda cursor: cursor.all(sql, before_ms, most))
        return [(origin, media_id) for origin, media_id in rows]

    async def remove(self, keys: list[tuple[str, str]]) -> int:
        def change(cursor: WriteCursor) -> int:
            removed = [row for key in keys for row in cursor.all(_REMOVE, *key)]
            for uploader, digest, size in removed:
                if digest is None:
                    continue
                if uploader is not None:
                    cursor.run(_UNUSE, size, uploader)
                if cursor.one(_IN_MEDIA, digest) is None:
                    made = [bytes(row[0]) for row in cursor.all(_DROP_THUMBNAILS, digest)]
                    loose = {file for file in (*made, bytes(digest)) if not is_referenced(cursor, file)}
                    cursor.many(_LEAVE_OVER, [(file,) for file in sorted(loose)])
            return len(removed)

        return await self._database.write(change)

    async def forget_reservations(self, before_ms: int, most: int) -> int:
        return await self._database.write(lambda cursor: cursor.run(_FORGET_RESERVATIONS, before_ms, most))

    async def quarantine(self, digests: list[bytes], by: str, now_ms: int) -> None:
        rows = [(digest, by, now_ms) for digest in digests]
        await self._database.write(lambda cursor: cursor.many(_QUARANTINE, rows))

    async def release(self, digests: list[bytes]) -> None:
        await self._database.write(lambda cursor: cursor.run("DELETE FROM quarantined_files WHERE digest IN ??", digests))

    async def leftovers(self, most: int) -> list[bytes]:
        rows = await self._database.read(lambda cursor: cursor.all("SELECT digest FROM leftover_files ORDER BY digest LIMIT ?", most))
        return [bytes(row[0]) for row in rows]

    async def is_referenced(self, digest: bytes) -> bool:
        return await self._database.read(lambda cursor: is_referenced(cursor, digest))

    async def forget_leftover(self, digest: bytes) -> None:
        await self._database.write(lambda cursor: cursor.run("DELETE FROM leftover_files WHERE digest = ?", digest))
