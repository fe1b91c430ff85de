"""Sessions of user-interactive auth, and the registration tokens they use up. Fills two ports of `homeserver.accounts.store`."""

from collections.abc import Sequence
from typing import Any

import orjson

from homeserver.accounts.store import AuthSession, AuthUse, RegistrationToken
from storage.database import Database, Rollback, WriteCursor

FORGOTTEN_AT_ONCE = 100

_OPEN = """INSERT INTO auth_sessions (session_hash, operation, body_digest, completed, parameters, created_ts) VALUES (?, ?, ?, ?, ?, ?)"""
_FIND = "SELECT operation, body_digest, completed, parameters, created_ts FROM auth_sessions WHERE session_hash = ?"
_RESERVE = """UPDATE registration_tokens SET pending = pending + 1
    WHERE token = ? AND (uses_allowed IS NULL OR pending + completed < uses_allowed)"""
_FORGET = """DELETE FROM auth_sessions WHERE session_hash IN
    (SELECT session_hash FROM auth_sessions WHERE created_ts < ? ORDER BY created_ts LIMIT ?) RETURNING registration_token"""
_RELEASE = "UPDATE registration_tokens SET pending = pending - 1 WHERE token = ? AND pending > 0"
_SPEND = """UPDATE registration_tokens SET completed = completed + 1, pending = pending - ?
    WHERE token = ? AND (expires_ts IS NULL OR expires_ts > ?) AND (uses_allowed IS NULL OR pending + completed - ? < uses_allowed)"""
_ONE_TOKEN = "SELECT token, uses_allowed, pending, completed, expires_ts FROM registration_tokens WHERE token = ?"  # SQL, no secret
_ALL_TOKENS = "SELECT token, uses_allowed, pending, completed, expires_ts FROM registration_tokens ORDER BY token"


def use_up(cursor: WriteCursor, auth: AuthUse, now_ms: int) -> bool:
    """Closes the session and spends the registration token; False: one of them is gone, and the caller must roll back."""
    reserved = None
    if auth.session_hash is not None:
        row = cursor.one("DELETE FROM auth_sessions WHERE session_hash = ? RETURNING registration_token", auth.session_hash)
        if row is None:
            return False
        reserved = row[0]
    if auth.registration_token is None:
        return True
    pending = 1 if reserved is not None and reserved == auth.registration_token else 0
    return bool(cursor.run(_SPEND, pending, auth.registration_token, now_ms, pending))


def forget_sessions(cursor: WriteCursor, opened_before: int, most: int) -> int:
    """How many; what they reserved is free again."""
    forgotten = cursor.all(_FORGET, opened_before, most)
    for (token,) in forgotten:
        if token is not None:
            cursor.run(_RELEASE, token)
    return len(forgotten)


class StoredAuthSessions:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, session_hash: bytes, session: AuthSession, forget_before: int) -> None:
        completed, parameters = orjson.dumps(session.completed).decode(), orjson.dumps(session.parameters).decode()

        def change(cursor: WriteCursor) -> None:
            forget_sessions(cursor, forget_before, FORGOTTEN_AT_ONCE)
            cursor.run(_OPEN, session_hash, session.operation, session.body_digest, completed, parameters, session.created_ts)

        await self._database.write(change)

    async def find(self, session_hash: bytes) -> AuthSession | None:
        row = await self._database.read(lambda cursor: cursor.one(_FIND, session_hash))
        if row is None:
            return None
        return AuthSession(row[0], bytes(row[1]), orjson.loads(row[2]), orjson.loads(row[3]), row[4])

    async def complete(self, session_hash: bytes, stage: str, result: Any, registration_token: str | None) -> dict[str, Any] | None:
        def change(cursor: WriteCursor) -> dict[str, Any] | None:
            row = cursor.one("SELECT completed FROM auth_sessions WHERE session_hash = ?", session_hash)
            if row is None:
                return None
            completed: dict[str, Any] = orjson.loads(row[0])
            if stage in completed:
                return completed
            completed[stage] = result
            cursor.run("UPDATE auth_sessions SET completed = ? WHERE session_hash = ?", orjson.dumps(completed).decode(), session_hash)
            if registration_token is not None:
                if not cursor.run(_RESERVE, registration_token):
                    raise Rollback(None)
                cursor.run("UPDATE auth_sessions SET registration_token = ? WHERE session_hash = ?", registration_token, session_hash)
            return completed

        return await self._database.write(change)

    async def close(self, session_hash: bytes) -> bool:
        gone = await self._database.write(lambda cursor: cursor.run("DELETE FROM auth_sessions WHERE session_hash = ?", session_hash))
        return gone > 0


class StoredRegistrationTokens:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, token: RegistrationToken) -> bool:
        added = await self._database.write(
            lambda cursor: cursor.run(
                "INSERT INTO registration_tokens (token, uses_allowed, expires_ts) VALUES (?, ?, ?) ON CONFLICT (token) DO NOTHING",
                token.token,
                token.uses_allowed,
                token.expires_ts,
            )
        )
        return added > 0

    async def find(self, token: str) -> RegistrationToken | None:
        row = await self._database.read(lambda cursor: cursor.one(_ONE_TOKEN, token))
        return None if row is None else RegistrationToken(*row)

    async def all(self) -> Sequence[RegistrationToken]:
        rows = await self._database.scan(lambda cursor: cursor.all(_ALL_TOKENS))
        return [RegistrationToken(*row) for row in rows]

    async def limit(self, token: str, uses_allowed: int | None, expires_ts: int | None) -> bool:
        found = await self._database.write(
            lambda cursor: cursor.run(
                "UPDATE registration_tokens SET uses_allowed = ?, expires_ts = ? WHERE token = ?", uses_allowed, expires_ts, token
            )
        )
        return found > 0

    async def remove(self, token: str) -> bool:
        gone = await self._database.write(lambda cursor: cursor.run("DELETE FROM registration_tokens WHERE token = ?", token))
        return gone > 0
