"""What the accounts ask of the storage. Tokens and session IDs are known here by their SHA-256 alone."""

import enum
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from homeserver.accounts.threepids.store import Threepid

ACCOUNT_CHANGE = "account"  # Change.kind: the user was created, or something about the account is no longer as it was


class Account(NamedTuple):
    user_id: str
    is_guest: bool = False
    is_admin: bool = False
    appservice: str | None = None  # ID of the application service that made it
    user_type: str | None = None
    deactivated: bool = False
    erased: bool = False
    locked: bool = False
    suspended: bool = False


class Credentials(NamedTuple):
    account: Account
    password_hash: str | None


class NewAccount(NamedTuple):
    user_id: str
    password_hash: str | None
    created_ts: int
    displayname: str | None
    is_guest: bool = False
    is_admin: bool = False
    appservice: str | None = None
    user_type: str | None = None
    terms: Mapping[str, str] | None = None  # policy ID to the version that was accepted
    threepid: Threepid | None = None
    threepid_proof: str | None = None  # the session in which it was proven, which ends here


class NewLogin(NamedTuple):
    """A device with its tokens. All older tokens of the device end; a known device keeps its name."""

    user_id: str
    device_id: str
    display_name: str | None
    created_ts: int
    access_hash: bytes
    expires_ts: int | None
    refresh_hash: bytes | None
    refresh_expires_ts: int | None


class AuthUse(NamedTuple):
    """The user-interactive auth that a registration uses up, in the same transaction."""

    session_hash: bytes | None  # None: everything was proven in one request
    registration_token: str | None


class Creation(enum.Enum):
    """What became of a new account."""

    DONE = "done"
    NAME_TAKEN = "name taken"
    AUTH_USED = "auth used"  # the session is gone or the registration token has no use left
    THREEPID_TAKEN = "third-party identifier taken"


class Renewal(NamedTuple):
    """The tokens that follow a refresh token."""

    access_hash: bytes
    expires_ts: int | None
    refresh_hash: bytes
    refresh_expires_ts: int | None


class TokenOwner(NamedTuple):
    """An access token with all that the edge wants to know about its owner."""

    user_id: str
    device_id: str | None
    expires_ts: int | None
    is_guest: bool
    is_admin: bool
    locked: bool
    suspended: bool
    replaces: bytes | None  # hash of the refresh token that ends when this token is first used


class RefreshOwner(NamedTuple):
    user_id: str
    device_id: str
    expires_ts: int | None
    revoked: bool
    locked: bool


class RegistrationToken(NamedTuple):
    token: str
    uses_allowed: int | None
    pending: int
    completed: int
    expires_ts: int | None


class AuthSession(NamedTuple):
    operation: str
    body_digest: bytes
    completed: dict[str, Any]  # stage to its result, in order
    parameters: dict[str, Any]
    created_ts: int


class AccountStore(Protocol):
    async def count_people(self, most: int) -> int:
        """Accounts of people that are not closed, counted up to `most`."""

    async def account(self, user_id: str) -> Account | None: ...

    async def credentials(self, user_id: str) -> Credentials | None: ...

    async def create(self, account: NewAccount, login: NewLogin | None, auth: AuthUse | None) -> Creation:
        """The account, its display name, its first device, and the auth it used: all or nothing."""

    async def upgrade_guest(self, account: NewAccount, login: NewLogin | None, auth: AuthUse | None) -> Creation:
        """Makes a guest a full user; the guest's devices and tokens go. NAME_TAKEN when the user is no guest (any more)."""

    async def set_password(self, user_id: str, password_hash: str | None, *, log_out: bool, keep_device: str | None) -> bool:
        """With `log_out` all devices but one go in the same transaction. False for an unknown or deactivated user."""

    async def replace_hash(self, user_id: str, old: str, new: str) -> None:
        """The same password, hashed anew; nothing happens when it has changed meanwhile."""

    async def set_flags(
        self, user_id: str, *, is_admin: bool | None = None, locked: bool | None = None, suspended: bool | None = None
    ) -> bool:
        """False for an unknown user; None leaves a flag as it is."""

    async def deactivate(self, user_id: str, *, erase: bool) -> bool:
        """Ends all devices and tokens and marks the user as departing; erasing removes profile, account data and password too.

        False for an unknown user; a user that is deactivated already can still be erased."""

    async def erased(self) -> dict[str, int]:
        """User → position of the erasure; 0 where it is not known."""

    async def departing(self) -> list[str]:
        """Deactivated users that have not left all their rooms yet."""

    async def departed(self, user_id: str) -> None: ...


class TokenStore(Protocol):
    async def owner(self, token_hash: bytes) -> TokenOwner | None: ...

    async def refreshed_owner(self, user_id: str, device_id: str) -> TokenOwner | None:
        """By whatever token of the device that came with a refresh token."""

    async def log_in(self, login: NewLogin) -> None:
        """Raises `devices.store.NamedAsKey`."""

    async def has_room_for(self, user_id: str, device_id: str | None, most: int) -> bool:
        """Whether this is a device of the user already, or the user has fewer than `most`."""

    async def log_out(self, token_hash: bytes) -> None:
        """Ends one token that belongs to no device."""

    async def refresh_owner(self, refresh_hash: bytes) -> RefreshOwner | None: ...

    async def renew(self, refresh_hash: bytes, renewal: Renewal) -> bool:
        """The new pair instead of the old one, and of an earlier unused successor. False when the token is gone or revoked by now."""

    async def settle(self, replaced: bytes) -> None:
        """The successor of this refresh token is in use: it is revoked, and its access token ends."""

    async def revoke_tokens(self, user_id: str, device_id: str) -> None:
        """All tokens of a device; the device itself stays."""

    async def add_login_token(self, token_hash: bytes, user_id: str, expires_ts: int, now_ms: int) -> None:
        """Also forgets the expired ones."""

    async def take_login_token(self, token_hash: bytes, now_ms: int) -> str | None:
        """The user, once; None for a token that is unknown, used or expired."""


class AuthSessionStore(Protocol):
    async def open(self, session_hash: bytes, session: AuthSession, forget_before: int) -> None:
        """Also forgets sessions that were opened before `forget_before`."""

    async def find(self, session_hash: bytes) -> AuthSession | None: ...

    async def complete(self, session_hash: bytes, stage: str, result: Any, registration_token: str | None) -> dict[str, Any] | None:
        """All stages completed by now; None when the session is gone, or when the registration token has no use left."""

    async def close(self, session_hash: bytes) -> bool:
        """False when it is gone already: somebody else used it."""


class RegistrationTokenStore(Protocol):
    async def add(self, token: RegistrationToken) -> bool:
        """False when there is such a token."""

    async def find(self, token: str) -> RegistrationToken | None: ...

    async def all(self) -> Sequence[RegistrationToken]: ...

    async def limit(self, token: str, uses_allowed: int | None, expires_ts: int | None) -> bool:
        """New limits; False when there is no such token."""

    async def remove(self, token: str) -> bool: ...
