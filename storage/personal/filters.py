"""Uploaded filters. Fills `homeserver.account_data.store.FilterStore`."""

from storage.database import Database

_PUT = "INSERT INTO filters (user_id, filter_id, body) VALUES (?, ?, ?) ON CONFLICT (user_id, filter_id) DO NOTHING"
_GET = "SELECT body FROM filters WHERE user_id = ? AND filter_id = ?"


class StoredFilters:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, user_id: str, filter_id: str, body: bytes) -> None:
        await self._database.write(lambda cursor: cursor.run(_PUT, user_id, filter_id, body))

    async def get(self, user_id: str, filter_id: str) -> bytes | None:
        body = await self._database.read(lambda cursor: cursor.value(_GET, user_id, filter_id))
        return None if body is None else bytes(body)

    async def count(self, user_id: str) -> int:
        count = await self._database.read(lambda cursor: cursor.value("SELECT count(*) FROM filters WHERE user_id = ?", user_id))
        return int(count)
