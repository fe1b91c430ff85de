"""Accounts. Fills `homeserver.accounts.store.AccountStore`."""

import orjson

from homeserver.accounts.store import ACCOUNT_CHANGE, Account, AuthUse, Creation, Credentials, NewAccount, NewLogin
from homeserver.streams import Change
from storage.database import Database, Rollback, Row, WriteCursor
from storage.encryption.key_changes import drop_user_keys
from storage.people.auth_sessions import use_up
from storage.people.devices import remove_all_devices, remove_devices
from storage.people.threepids import add_threepid
from storage.people.tokens import add_login

_CREDENTIALS = """SELECT user_id, is_guest, is_admin, appservice, user_type, deactivated, erased, locked, suspended, password_hash
    FROM users WHERE user_id = ?"""
_PEOPLE = """SELECT COUNT(*) FROM
    (SELECT 1 FROM users WHERE is_guest = 0 AND deactivated = 0 AND appservice IS NULL AND user_type IS NULL LIMIT ?) AS people"""
_ADD = """INSERT INTO users (user_id, password_hash, created_ts, is_guest, is_admin, appservice, user_type, terms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (user_id) DO NOTHING"""
_UPGRADE = "UPDATE users SET password_hash = ?, is_guest = 0, terms = ? WHERE user_id = ? AND is_guest = 1 AND deactivated = 0"
_FLAGS = """UPDATE users SET is_admin = COALESCE(?, is_admin), locked = COALESCE(?, locked), suspended = COALESCE(?, suspended)
    WHERE user_id = ?"""
_DEACTIVATE = "UPDATE users SET deactivated = 1, departing = 1 WHERE user_id = ?"
_OTHER_DEVICES = "SELECT device_id FROM devices WHERE user_id = ? AND device_id <> ?"
_SET_NAME = """INSERT INTO profiles (user_id, field, value) VALUES (?, 'displayname', ?)
    ON CONFLICT (user_id, field) DO UPDATE SET value = excluded.value"""
_ERASED = "UPDATE users SET erased = 1, erased_position = ? WHERE user_id = ? AND erased = 0"
_ERASE = (
    "UPDATE users SET password_hash = NULL WHERE user_id = ?",
    "DELETE FROM profiles WHERE user_id = ?",
    "DELETE FROM account_data WHERE user_id = ?",
    "DELETE FROM filters WHERE user_id = ?",
    "DELETE FROM presence WHERE user_id = ?",
)


def _account(row: Row) -> Account:
    user_id, is_guest, is_admin, appservice, user_type, deactivated, erased, locked, suspended = row[:9]
    return Account(
        user_id,
        is_guest=bool(is_guest),
        is_admin=bool(is_admin),
        appservice=appservice,
        user_type=user_type,
        deactivated=bool(deactivated),
        erased=bool(erased),
        locked=bool(locked),
        suspended=bool(suspended),
    )


def _announce(cursor: WriteCursor, user_id: str) -> None:
    cursor.announce(Change(cursor.position(), ACCOUNT_CHANGE, user_id=user_id))


def _flag(value: bool | None) -> int | None:
    return None if value is None else int(value)


def _terms(account: NewAccount) -> str | None:
    return orjson.dumps(dict(account.terms)).decode() if account.terms else None


def _finish(cursor: WriteCursor, account: NewAccount, login: NewLogin | None, auth: AuthUse | None) -> Creation:
    """What a new account and an upgraded guest have in common."""
    if auth is not None and not use_up(cursor, auth, account.created_ts):
        raise Rollback(Creation.AUTH_USED)
    if account.threepid is not None and not add_threepid(cursor, account.threepid, account.threepid_proof):
        raise Rollback(Creation.THREEPID_TAKEN)
    if account.displayname is not None:
        cursor.run(_SET_NAME, account.user_id, orjson.dumps(account.displayname))
    _announce(cursor, account.user_id)
    if login is not None:
        add_login(cursor, login)
    return Creation.DONE


class StoredAccounts:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def account(self, user_id: str) -> Account | None:
        row = await self._database.read(lambda cursor: cursor.one(_CREDENTIALS, user_id))
        return None if row is None else _account(row)

    async def count_people(self, most: int) -> int:
        return await self._database.scan(lambda cursor: int(cursor.value(_PEOPLE, most) or 0))

    async def credentials(self, user_id: str) -> Credentials | None:
        row = await self._database.read(lambda cursor: cursor.one(_CREDENTIALS, user_id))
        return None if row is None else Credentials(_account(row), row[-1])

    async def create(self, account: NewAccount, login: NewLogin | None, auth: AuthUse | None) -> Creation:
        def change(cursor: WriteCursor) -> Creation:
            added = cursor.run(
                _ADD,
                account.user_id,
                account.password_hash,
                account.created_ts,
                int(account.is_guest),
                int(account.is_admin),
                account.appservice,
                account.user_type,
                _terms(account),
            )
            return _finish(cursor, account, login, auth) if added else Creation.NAME_TAKEN

        return await self._database.write(change)

    async def upgrade_guest(self, account: NewAccount, login: NewLogin | None, auth: AuthUse | None) -> Creation:
        def change(cursor: WriteCursor) -> Creation:
            if not cursor.run(_UPGRADE, account.password_hash, _terms(account), account.user_id):
                return Creation.NAME_TAKEN
            remove_all_devices(cursor, account.user_id)
            return _finish(cursor, account, login, auth)

        return await self._database.write(change)

    async def set_password(self, user_id: str, password_hash: str | None, *, log_out: bool, keep_device: str | None) -> bool:
        def change(cursor: WriteCursor) -> bool:
            if not cursor.run("UPDATE users SET password_hash = ? WHERE user_id = ? AND deactivated = 0", password_hash, user_id):
                return False
            if log_out and keep_device is None:
                remove_all_devices(cursor, user_id)
            elif log_out:
                others = [row[0] for row in cursor.all(_OTHER_DEVICES, user_id, keep_device)]
                remove_devices(cursor, user_id, others)
                cursor.run("DELETE FROM login_tokens WHERE user_id = ?", user_id)
            return True

        return await self._database.write(change)

    async def replace_hash(self, user_id: str, old: str, new: str) -> None:
        await self._database.write(
            lambda cursor: cursor.run("UPDATE users SET password_hash = ? WHERE user_id = ? AND password_hash = ?", new, user_id, old)
        )

    async def set_flags(
        self, user_id: str, *, is_admin: bool | None = None, locked: bool | None = None, suspended: bool | None = None
    ) -> bool:
        def change(cursor: WriteCursor) -> bool:
            found = cursor.run(_FLAGS, _flag(is_admin), _flag(locked), _flag(suspended), user_id)
            if found:
                _announce(cursor, user_id)
            return bool(found)

        return await self._database.write(change)

    async def deactivate(self, user_id: str, *, erase: bool) -> bool:
        def change(cursor: WriteCursor) -> bool:
            if not cursor.run(_DEACTIVATE, user_id):
                return False
            remove_all_devices(cursor, user_id)
            drop_user_keys(cursor, user_id)
            cursor.run("DELETE FROM directory_users WHERE user_id = ?", user_id)
            cursor.run("DELETE FROM threepids WHERE user_id = ?", user_id)
            if erase:
                position = cursor.position()
                cursor.run(_ERASED, position, user_id)
                for statement in _ERASE:
                    cursor.run(statement, user_id)
                cursor.announce(Change(position, "account_data", user_id=user_id))
            _announce(cursor, user_id)
            return True

        return await self._database.write(change)

    async def erased(self) -> dict[str, int]:
        rows = await self._database.read(lambda cursor: cursor.all("SELECT user_id, erased_position FROM users WHERE erased = 1"))
        return {user_id: position or 0 for user_id, position in rows}

    async def departing(self) -> list[str]:
        rows = await self._database.read(lambda cursor: cursor.all("SELECT user_id FROM users WHERE departing = 1"))
        return [row[0] for row in rows]

    async def departed(self, user_id: str) -> None:
        await self._database.write(lambda cursor: cursor.run("UPDATE users SET departing = 0 WHERE user_id = ?", user_id))
