"""Logging in: by password, by a token from another device, as an application service (client-server API, "Login")."""

from typing import Protocol

from homeserver.accounts.issue import Grant, Issuer
from homeserver.accounts.names import Names
from homeserver.accounts.passwords import Passwords
from homeserver.accounts.store import Account, AccountStore, TokenStore
from homeserver.accounts.token_text import LOGIN, digest, make
from homeserver.clock import Chance, Clock
from homeserver.devices.store import NamedAsKey
from homeserver.errors import Exclusive, Forbidden, UserDeactivated, UserLocked
from homeserver.rooms.members.limits import UserLimits


class FailedLogins(Protocol):
    """Counts wrong passwords per account and per address."""

    def check(self, account: str, address: str) -> None:
        """Raises LimitExceeded when one failure more is not allowed now; the account need not exist."""

    def failed(self, account: str, address: str) -> None: ...


class PasswordCheck:
    """Whether a password is an account's: the one place where guesses can be made, for logins and user-interactive auth alike."""

    def __init__(self, store: AccountStore, passwords: Passwords, failed: FailedLogins) -> None:
        self._store = store
        self._passwords = passwords
        self._failed = failed

    async def account(self, user_id: str, password: str, address: str) -> Account:
        """The account; Forbidden for an unknown user as for a wrong password, with the same work."""
        self._failed.check(user_id, address)
        credentials = await self._store.credentials(user_id)
        stored = credentials.password_hash if credentials is not None else None
        matches = await self._passwords.verify(password, stored)
        self._failed.check(user_id, address)  # again: many guesses may have waited for their hashes together
        if not matches or credentials is None or stored is None:
            self._failed.failed(user_id, address)
            raise Forbidden("Wrong user name or password")
        if self._passwords.is_outdated(stored):
            await self._store.replace_hash(user_id, stored, await self._passwords.hash_again(password))
        return credentials.account


class LogIn:
    """From a proof of who one is to a device with its tokens."""

    def __init__(
        self,
        accounts: AccountStore,
        tokens: TokenStore,
        names: Names,
        passwords: PasswordCheck,
        issuer: Issuer,
        clock: Clock,
        chance: Chance,
        *,
        token_seconds: int,
        limits: UserLimits | None = None,
    ) -> None:
        self._accounts = accounts
        self._tokens = tokens
        self._names = names
        self._passwords = passwords
        self._issuer = issuer
        self._clock = clock
        self._chance = chance
        self._token_ms = token_seconds * 1000
        self._limits = limits

    async def by_password(self, user_id: str, password: str, address: str) -> Account:
        return _usable(await self._passwords.account(user_id, password, address))

    async def by_token(self, login_token: str) -> Account:
        """Once for each token."""
        user_id = await self._tokens.take_login_token(digest(login_token), self._clock.now_ms())
        account = None if user_id is None else await self._accounts.account(user_id)
        if account is None:
            raise Forbidden("The login token is unknown, used or expired")
        return _usable(account)

    async def as_appservice(self, appservice: str, user_id: str) -> Account:
        """A user in the namespace of the service that asks."""
        if not self._names.owned(appservice, user_id):
            raise Exclusive("This user is not in the namespace of the application service")
        account = await self._accounts.account(user_id)
        if account is None:
            raise Forbidden("The application service has not registered this user")
        return _usable(account)

    async def open(self, user_id: str, device_id: str | None, display_name: str | None, *, refreshable: bool) -> Grant:
        """Raises UserLimitExceeded when the user has as many devices as the server allows, Forbidden for the name of a cross-signing key."""
        limits = self._limits
        if limits is not None and limits.devices and not await self._tokens.has_room_for(user_id, device_id, limits.devices):
            raise limits.exceeded(f"You are logged in on {limits.devices} devices, which is the most an account may have here")
        grant, login = self._issuer.log_in(user_id, device_id, display_name, refreshable=refreshable)
        try:
            await self._tokens.log_in(login)
        except NamedAsKey as error:
            raise Forbidden("One of your keys has the name of the device") from error
        return grant

    async def login_token(self, user_id: str) -> tuple[str, int]:
        """A token that logs in one more device, and its lifetime in milliseconds."""
        token = make(self._chance, LOGIN)
        now_ms = self._clock.now_ms()
        await self._tokens.add_login_token(digest(token), user_id, now_ms + self._token_ms, now_ms)
        return token, self._token_ms


def _usable(account: Account) -> Account:
    """Told only to those who have proven who they are."""
    if account.deactivated:
        raise UserDeactivated
    if account.locked:
        raise UserLocked(soft_logout=True)
    return account
