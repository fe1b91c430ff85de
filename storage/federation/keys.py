"""Public keys of servers, and the former ones of this. Fills `federation.store.KeyStore`."""

from collections.abc import Sequence

from federation.store import KnownKey, RetiredKey, StoredDocument
from storage.database import Database, WriteCursor

_KEYS = "SELECT server_name, key_id, public_key, until_ts, retired FROM server_keys WHERE server_name = ?"
_PUT_KEY = """INSERT INTO server_keys (server_name, key_id, public_key, until_ts, retired) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (server_name, key_id) DO UPDATE SET public_key = excluded.public_key, until_ts = excluded.until_ts, retired = excluded.retired"""
_DOCUMENT = "SELECT server_name, body, fetched_ts, valid_until_ts FROM key_documents WHERE server_name = ?"
_PUT_DOCUMENT = """INSERT INTO key_documents (server_name, body, fetched_ts, valid_until_ts) VALUES (?, ?, ?, ?) ON CONFLICT (server_name)
    DO UPDATE SET body = excluded.body, fetched_ts = excluded.fetched_ts, valid_until_ts = excluded.valid_until_ts"""
_RETIRED = "SELECT key_id, public_key, expired_ts FROM retired_keys ORDER BY expired_ts, key_id"
_RETIRE = "INSERT INTO retired_keys (key_id, public_key, expired_ts) VALUES (?, ?, ?) ON CONFLICT (key_id) DO NOTHING"


class StoredServerKeys:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def keys(self, server_name: str) -> list[KnownKey]:
        rows = await self._database.read(lambda cursor: cursor.all(_KEYS, server_name))
        return [KnownKey(row[0], row[1], bytes(row[2]), row[3], bool(row[4])) for row in rows]

    async def document(self, server_name: str) -> StoredDocument | None:
        row = await self._database.read(lambda cursor: cursor.one(_DOCUMENT, server_name))
        return None if row is None else StoredDocument(row[0], bytes(row[1]), row[2], row[3])

    async def put(self, document: StoredDocument, keys: Sequence[KnownKey]) -> None:
        def write(cursor: WriteCursor) -> None:
            cursor.many(_PUT_DOCUMENT, [document])
            if keys:
                cursor.many(_PUT_KEY, [(*key[:4], int(key.retired)) for key in keys])

        await self._database.write(write)

    async def retired_keys(self) -> list[RetiredKey]:
        rows = await self._database.read(lambda cursor: cursor.all(_RETIRED))
        return [RetiredKey(row[0], bytes(row[1]), row[2]) for row in rows]

    async def retire_key(self, key: RetiredKey) -> None:
        await self._database.write(lambda cursor: cursor.many(_RETIRE, [key]))
