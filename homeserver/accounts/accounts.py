"""Who has an account here, and what state it is in."""

from collections import OrderedDict

from homeserver.accounts.issue import Grant, Issuer
from homeserver.accounts.names import Names
from homeserver.accounts.passwords import Passwords
from homeserver.accounts.store import ACCOUNT_CHANGE, Account, AccountStore, Creation, NewAccount
from homeserver.clock import Clock
from homeserver.errors import Forbidden, InvalidParam, NotFound, UserInUse
from homeserver.streams import Change, Streams

MAX_CACHED = 20_000
USER_TYPES = ("support", "bot")


class Accounts:
    """The accounts of this server, those in use from memory. User IDs of other servers have none."""

    def __init__(self, store: AccountStore, streams: Streams, names: Names, passwords: Passwords, issuer: Issuer, clock: Clock) -> None:
        self._store = store
        self._names = names
        self._passwords = passwords
        self._issuer = issuer
        self._clock = clock
        self._known: OrderedDict[str, Account] = OrderedDict()
        self._changes = 0  # what was read before the last change is not remembered
        streams.subscribe(self._follow)

    async def find(self, user_id: str) -> Account | None:
        """None for a user there is not, or that another server has."""
        found = self._known.get(user_id)
        if found is not None:
            self._known.move_to_end(user_id)
            return found
        if not self._names.is_ours(user_id):
            return None
        changes = self._changes
        account = await self._store.account(user_id)
        if account is not None and changes == self._changes:
            self._known[user_id] = account
            if len(self._known) > MAX_CACHED:
                self._known.popitem(last=False)
        return account

    async def require(self, user_id: str) -> Account:
        """Raises NotFound."""
        account = await self.find(user_id)
        if account is None:
            raise NotFound("There is no such user here")
        return account

    async def governed(self, user_id: str, administrator: str) -> Account:
        """The account that an administrator may lock and suspend. Raises InvalidParam, NotFound, Forbidden."""
        if not self._names.is_ours(user_id):
            raise InvalidParam("This user belongs to another server")
        account = await self.require(user_id)
        if account.deactivated:
            raise NotFound("This account has been deactivated")
        if account.is_admin and user_id != administrator:
            raise Forbidden("This user is an administrator, too")
        return account

    async def exists(self, user_id: str) -> bool:
        """Also for deactivated users: their names are not given out again."""
        return await self.find(user_id) is not None

    async def is_guest(self, user_id: str) -> bool:
        account = await self.find(user_id)
        return account is not None and account.is_guest

    async def is_locked(self, user_id: str) -> bool:
        account = await self.find(user_id)
        return account is not None and account.locked

    async def is_suspended(self, user_id: str) -> bool:
        account = await self.find(user_id)
        return account is not None and account.suspended

    async def is_admin(self, user_id: str) -> bool:
        account = await self.find(user_id)
        return account is not None and account.is_admin and not account.deactivated

    async def create(
        self,
        username: str,
        password: str | None,
        *,
        is_admin: bool = False,
        displayname: str | None = None,
        user_type: str | None = None,
        device_id: str | None = None,
        device_name: str | None = None,
        log_in: bool = False,
        refreshable: bool = False,
    ) -> tuple[str, Grant | None]:
        """An account made by an administrator: its user ID, and with `log_in` its first device.

        Raises InvalidUsername, Exclusive, UserInUse, WeakPassword, InvalidParam.
        """
        user_id = self._names.new(username, by_admin=True)
        if await self.exists(user_id):
            raise UserInUse
        password_hash = None if password is None else await self._passwords.hash(password)
        account = NewAccount(
            user_id,
            password_hash,
            self._clock.now_ms(),
            user_id[1:].partition(":")[0] if displayname is None else displayname,
            is_admin=is_admin,
            user_type=user_type,
        )
        grant, login = self._issuer.log_in(user_id, device_id, device_name, refreshable=refreshable) if log_in else (None, None)
        if await self._store.create(account, login, None) is not Creation.DONE:
            raise UserInUse
        return user_id, grant

    async def set_password(self, user_id: str, password: str, *, log_out: bool = True, keep_device: str | None = None) -> None:
        """With `log_out` all devices end, but one if it is named. Raises NotFound, WeakPassword, InvalidParam."""
        if not await self._store.set_password(user_id, await self._passwords.hash(password), log_out=log_out, keep_device=keep_device):
            raise NotFound("There is no such user here")

    async def has_password(self, user_id: str) -> bool:
        credentials = await self._store.credentials(user_id)
        return credentials is not None and credentials.password_hash is not None

    async def set_admin(self, user_id: str, is_admin: bool) -> None:
        """Raises NotFound."""
        await self._set(user_id, is_admin=is_admin)

    async def set_locked(self, user_id: str, locked: bool) -> None:
        """Raises NotFound."""
        await self._set(user_id, locked=locked)

    async def set_suspended(self, user_id: str, suspended: bool) -> None:
        """Raises NotFound."""
        await self._set(user_id, suspended=suspended)

    async def _set(self, user_id: str, *, is_admin: bool | None = None, locked: bool | None = None, suspended: bool | None = None) -> None:
        if not await self._store.set_flags(user_id, is_admin=is_admin, locked=locked, suspended=suspended):
            raise NotFound("There is no such user here")

    def _follow(self, changes: list[Change]) -> None:
        if not changes:  # positions were stepped over
            self._changes += 1
            self._known.clear()
        for change in changes:
            if change.kind == ACCOUNT_CHANGE and change.user_id is not None:
                self._changes += 1
                self._known.pop(change.user_id, None)
