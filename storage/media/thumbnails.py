"""Thumbnails that have been made. Fills `homeserver.media.store.ThumbnailStore`."""

from homeserver.media.store import Thumbnail
from storage.database import Database, WriteCursor

_GET = "SELECT file, size, content_type FROM thumbnails WHERE digest = ? AND variant = ?"
_ADD = """INSERT INTO thumbnails (digest, variant, file, size, content_type) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (digest, variant) DO NOTHING"""


class StoredThumbnails:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, digest: bytes, variant: str) -> Thumbnail | None:
        row = await self._database.read(lambda cursor: cursor.one(_GET, digest, variant))
        return None if row is None else Thumbnail(digest, variant, bytes(row[0]), row[1], row[2])

    async def add(self, thumbnail: Thumbnail) -> bool:
        def change(cursor: WriteCursor) -> bool:
            if cursor.one("SELECT 1 FROM media WHERE digest = ? LIMIT 1", thumbnail.digest) is None:
                return False
            cursor.run(_ADD, *thumbnail)
            return True

        return await self._database.write(change)
