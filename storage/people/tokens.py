"""Access, refresh and login tokens: only their SHA-256 is here. Fills `homeserver.accounts.store.TokenStore`."""

from collections.abc import Iterable, Sequence

from homeserver.accounts.store import NewLogin, RefreshOwner, Renewal, TokenOwner
from homeserver.devices.store import DEVICE_CHANGE, TOKEN_CHANGE, DeviceChange
from homeserver.streams import Change
from storage.database import Cursor, Database, Row, WriteCursor
from storage.encryption.key_names import check_device_name

_SELECT_OWNER = """SELECT a.user_id, a.device_id, a.expires_ts, u.is_guest, u.is_admin, u.locked, u.suspended, r.previous_hash
    FROM access_tokens a JOIN users u ON u.user_id = a.user_id LEFT JOIN refresh_tokens r ON r.token_hash = a.refresh_hash """
_OWNER = _SELECT_OWNER + "WHERE a.token_hash = ? AND u.deactivated = 0"
_REFRESHED_OWNER = _SELECT_OWNER + "WHERE a.user_id = ? AND a.device_id = ? AND a.refresh_hash IS NOT NULL AND u.deactivated = 0 LIMIT 1"
_REFRESH_OWNER = """SELECT r.user_id, r.device_id, r.expires_ts, r.revoked, u.locked FROM refresh_tokens r JOIN users u ON u.user_id = r.user_id
    WHERE r.token_hash = ? AND u.deactivated = 0"""
_DEVICE = "SELECT 1 FROM devices WHERE user_id = ? AND device_id = ?"
_ADD_ACCESS = "INSERT INTO access_tokens (token_hash, user_id, device_id, expires_ts, refresh_hash) VALUES (?, ?, ?, ?, ?)"
_ADD_REFRESH = "INSERT INTO refresh_tokens (token_hash, user_id, device_id, previous_hash, revoked, expires_ts) VALUES (?, ?, ?, ?, 0, ?)"
_ADD_DEVICE = """INSERT INTO devices (user_id, device_id, display_name, created_ts) VALUES (?, ?, ?, ?)
    ON CONFLICT (user_id, device_id) DO NOTHING"""


def announce_tokens(cursor: WriteCursor, user_id: str, rows: Iterable[Row]) -> None:
    """Tell the processes that remember them."""
    hashes = tuple(bytes(row[0]) for row in rows)
    if hashes:
        cursor.announce(Change(cursor.position(), TOKEN_CHANGE, user_id=user_id, subject=hashes))


def drop_tokens(cursor: WriteCursor, user_id: str, device_ids: Sequence[str]) -> None:
    """All tokens of these devices."""
    ended = cursor.all("DELETE FROM access_tokens WHERE user_id = ? AND device_id IN ?? RETURNING token_hash", user_id, device_ids)
    cursor.run("DELETE FROM refresh_tokens WHERE user_id = ? AND device_id IN ??", user_id, device_ids)
    announce_tokens(cursor, user_id, ended)


def add_login(cursor: WriteCursor, login: NewLogin) -> None:
    """A device, new or known, with new tokens in place of all it had."""
    added = cursor.run(_ADD_DEVICE, login.user_id, login.device_id, login.display_name, login.created_ts)
    if added:
        check_device_name(cursor, login.user_id, login.device_id)
        change = DeviceChange((login.device_id,))
        cursor.announce(Change(cursor.position(), DEVICE_CHANGE, user_id=login.user_id, subject=change))
    else:
        drop_tokens(cursor, login.user_id, (login.device_id,))
    if login.refresh_hash is not None:
        cursor.run(_ADD_REFRESH, login.refresh_hash, login.user_id, login.device_id, None, login.refresh_expires_ts)
    cursor.run(_ADD_ACCESS, login.access_hash, login.user_id, login.device_id, login.expires_ts, login.refresh_hash)


def _settle(cursor: WriteCursor, replaced: bytes) -> None:
    owner = cursor.one("SELECT user_id, device_id FROM refresh_tokens WHERE token_hash = ?", replaced)
    cursor.run("UPDATE refresh_tokens SET previous_hash = NULL WHERE previous_hash = ?", replaced)
    if owner is None:
        return
    user_id, device_id = owner
    cursor.run("DELETE FROM refresh_tokens WHERE user_id = ? AND device_id = ? AND revoked = 1", user_id, device_id)
    cursor.run("UPDATE refresh_tokens SET revoked = 1, previous_hash = NULL WHERE token_hash = ?", replaced)
    announce_tokens(cursor, user_id, cursor.all("DELETE FROM access_tokens WHERE refresh_hash = ? RETURNING token_hash", replaced))


def _drop_unused_successors(cursor: WriteCursor, user_id: str, refresh_hash: bytes) -> None:
    """The client asks again, so it never got them."""
    for (successor,) in cursor.all("DELETE FROM refresh_tokens WHERE previous_hash = ? RETURNING token_hash", refresh_hash):
        ended = cursor.all("DELETE FROM access_tokens WHERE refresh_hash = ? RETURNING token_hash", bytes(successor))
        announce_tokens(cursor, user_id, ended)


def _owner(row: Row | None) -> TokenOwner | None:
    if row is None:
        return None
    user_id, device_id, expires_ts, is_guest, is_admin, locked, suspended, replaces = row
    return TokenOwner(
        user_id,
        device_id,
        expires_ts,
        bool(is_guest),
        bool(is_admin),
        bool(locked),
        bool(suspended),
        None if replaces is None else bytes(replaces),
    )


class StoredTokens:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def owner(self, token_hash: bytes) -> TokenOwner | None:
        return _owner(await self._database.read(lambda cursor: cursor.one(_OWNER, token_hash)))

    async def refreshed_owner(self, user_id: str, device_id: str) -> TokenOwner | None:
        return _owner(await self._database.read(lambda cursor: cursor.one(_REFRESHED_OWNER, user_id, device_id)))

    async def log_in(self, login: NewLogin) -> None:
        await self._database.write(lambda cursor: add_login(cursor, login))

    async def has_room_for(self, user_id: str, device_id: str | None, most: int) -> bool:
        def question(cursor: Cursor) -> bool:
            if device_id is not None and cursor.one(_DEVICE, user_id, device_id) is not None:
                return True
            return int(cursor.value("SELECT COUNT(*) FROM devices WHERE user_id = ?", user_id) or 0) < most

        return await self._database.read(question)

    async def log_out(self, token_hash: bytes) -> None:
        def change(cursor: WriteCursor) -> None:
            row = cursor.one("DELETE FROM access_tokens WHERE token_hash = ? RETURNING user_id", token_hash)
            if row is not None:
                announce_tokens(cursor, row[0], ((token_hash,),))

        await self._database.write(change)

    async def refresh_owner(self, refresh_hash: bytes) -> RefreshOwner | None:
        row = await self._database.read(lambda cursor: cursor.one(_REFRESH_OWNER, refresh_hash))
        return None if row is None else RefreshOwner(row[0], row[1], row[2], bool(row[3]), bool(row[4]))

    async def renew(self, refresh_hash: bytes, renewal: Renewal) -> bool:
        def change(cursor: WriteCursor) -> bool:
            old = cursor.one(
                "SELECT user_id, device_id, previous_hash FROM refresh_tokens WHERE token_hash = ? AND revoked = 0", refresh_hash
            )
            if old is None:
                return False
            user_id, device_id, previous = old
            if previous is not None:
                _settle(cursor, bytes(previous))
            _drop_unused_successors(cursor, user_id, refresh_hash)
            cursor.run(_ADD_REFRESH, renewal.refresh_hash, user_id, device_id, refresh_hash, renewal.refresh_expires_ts)
            cursor.run(_ADD_ACCESS, renewal.access_hash, user_id, device_id, renewal.expires_ts, renewal.refresh_hash)
            return True

        return await self._database.write(change)

    async def settle(self, replaced: bytes) -> None:
        await self._database.write(lambda cursor: _settle(cursor, replaced))

    async def revoke_tokens(self, user_id: str, device_id: str) -> None:
        await self._database.write(lambda cursor: drop_tokens(cursor, user_id, (device_id,)))

    async def add_login_token(self, token_hash: bytes, user_id: str, expires_ts: int, now_ms: int) -> None:
        def change(cursor: WriteCursor) -> None:
            cursor.run("DELETE FROM login_tokens WHERE expires_ts <= ?", now_ms)
            cursor.run("INSERT INTO login_tokens (token_hash, user_id, expires_ts) VALUES (?, ?, ?)", token_hash, user_id, expires_ts)

        await self._database.write(change)

    async def take_login_token(self, token_hash: bytes, now_ms: int) -> str | None:
        def change(cursor: WriteCursor) -> str | None:
            row = cursor.one("DELETE FROM login_tokens WHERE token_hash = ? RETURNING user_id, expires_ts", token_hash)
            return row[0] if row is not None and row[1] > now_ms else None

        return await self._database.write(change)
