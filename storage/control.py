"""The accounts as the command line lists them. Fills `homeserver.control.store.ControlStore`."""

from homeserver.control.store import AccountLine
from storage.database import Database

_ANY = "SELECT 1 FROM users WHERE is_guest = 0 LIMIT 1"
_FIRST = "SELECT user_id FROM users ORDER BY user_id LIMIT 1"
_PAGE = """SELECT user_id, created_ts, is_guest, is_admin, deactivated, locked, suspended FROM users
    WHERE user_id > ? AND is_guest = 0 ORDER BY user_id LIMIT ?"""


class StoredAccountList:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def has_accounts(self) -> bool:
        return await self._database.read(lambda cursor: cursor.one(_ANY)) is not None

    async def any_account(self) -> str | None:
        found: str | None = await self._database.read(lambda cursor: cursor.value(_FIRST))
        return found

    async def accounts(self, after: str, limit: int) -> list[AccountLine]:
        rows = await self._database.scan(lambda cursor: cursor.all(_PAGE, after, limit))
        return [AccountLine(row[0], row[1], *map(bool, row[2:])) for row in rows]
