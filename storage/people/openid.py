"""Tokens for services beside Matrix: only their SHA-256 is here. Fills `homeserver.integrations.store.OpenIdStore`."""

from storage.database import Database

_ADD = "INSERT INTO openid_tokens (token_hash, user_id, expires_ts) VALUES (?, ?, ?)"
_OWNER = """SELECT o.user_id FROM openid_tokens o JOIN users u ON u.user_id = o.user_id
    WHERE o.token_hash = ? AND o.expires_ts > ? AND u.deactivated = 0"""


class StoredOpenIdTokens:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, token_hash: bytes, user_id: str, expires_ts: int) -> None:
        await self._database.write(lambda cursor: cursor.run(_ADD, token_hash, user_id, expires_ts))

    async def owner(self, token_hash: bytes, now_ms: int) -> str | None:
        row = await self._database.read(lambda cursor: cursor.one(_OWNER, token_hash, now_ms))
        return None if row is None else row[0]
