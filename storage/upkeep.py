"""Removing what is past. Fills `homeserver.upkeep.store.UpkeepStore`."""

from storage.database import Cursor, Database, WriteCursor
from storage.encryption.to_device import StoredToDevice
from storage.federation.withheld import forget_unneeded
from storage.people.auth_sessions import forget_sessions
from storage.push.past import forget_verdicts
from storage.sliding import forget_unused

# Ties within the millisecond go together.
_NTH_TRANSACTION = "SELECT ts FROM transactions WHERE ts < ? ORDER BY ts LIMIT 1 OFFSET ?"
_FORGET_TRANSACTIONS = "DELETE FROM transactions WHERE ts <= ?"
_LONE_ACCESS_TOKENS = """SELECT token_hash FROM access_tokens a WHERE expires_ts < ?
    AND NOT EXISTS (SELECT 1 FROM refresh_tokens r WHERE r.token_hash = a.refresh_hash) ORDER BY expires_ts LIMIT ?"""
_FORGET_ACCESS_TOKENS = "DELETE FROM access_tokens WHERE token_hash IN ??"
_FORGET_REFRESH_TOKENS = """DELETE FROM refresh_tokens WHERE token_hash IN
    (SELECT token_hash FROM refresh_tokens WHERE expires_ts < ? ORDER BY expires_ts LIMIT ?)"""
_FORGET_LOGIN_TOKENS = """DELETE FROM login_tokens WHERE token_hash IN
    (SELECT token_hash FROM login_tokens WHERE expires_ts < ? ORDER BY expires_ts LIMIT ?)"""

_FORGET_OPENID_TOKENS = """DELETE FROM openid_tokens WHERE token_hash IN
    (SELECT token_hash FROM openid_tokens WHERE expires_ts < ? ORDER BY expires_ts LIMIT ?)"""


class StoredUpkeep:
    """UpkeepStore over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def forget_transactions(self, before_ms: int, most: int) -> int:
        def change(cursor: WriteCursor) -> int:
            nth: int | None = cursor.value(_NTH_TRANSACTION, before_ms, most - 1)
            return cursor.run(_FORGET_TRANSACTIONS, before_ms - 1 if nth is None else nth)

        return await self._database.write(change)

    async def forget_to_device_transactions(self, before_ms: int, most: int) -> int:
        return await StoredToDevice(self._database).forget_transactions(before_ms, most)

    async def forget_access_tokens(self, before_ms: int, most: int) -> int:
        """Found by a scan: those that are passed over, for their refresh tokens may still be used, can be many."""

        def question(cursor: Cursor) -> list[bytes]:
            return [bytes(row[0]) for row in cursor.all(_LONE_ACCESS_TOKENS, before_ms, most)]

        found = await self._database.scan(question)
        if not found:
            return 0
        return await self._database.write(lambda cursor: cursor.run(_FORGET_ACCESS_TOKENS, found))

    async def forget_refresh_tokens(self, before_ms: int, most: int) -> int:
        return await self._database.write(lambda cursor: cursor.run(_FORGET_REFRESH_TOKENS, before_ms, most))

    async def forget_login_tokens(self, before_ms: int, most: int) -> int:
        return await self._database.write(lambda cursor: cursor.run(_FORGET_LOGIN_TOKENS, before_ms, most))

    async def forget_openid_tokens(self, before_ms: int, most: int) -> int:
        return await self._database.write(lambda cursor: cursor.run(_FORGET_OPENID_TOKENS, before_ms, most))

    async def forget_verdicts(self, before_ms: int, most: int) -> int:
        return await forget_verdicts(self._database, before_ms, most)

    async def forget_auth_sessions(self, before_ms: int, most: int) -> int:
        return await self._database.write(lambda cursor: forget_sessions(cursor, before_ms, most))

    async def forget_withheld_events(self, before_ms: int, most: int) -> int:
        return await self._database.write(lambda cursor: forget_unneeded(cursor, before_ms, most))

    async def forget_sliding_connections(self, before_ms: int, most: int) -> int:
        return await self._database.write(lambda cursor: forget_unused(cursor, before_ms, most))
