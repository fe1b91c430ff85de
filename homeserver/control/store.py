"""What the commands ask of the storage besides what the accounts know."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class AccountLine(NamedTuple):
    user_id: str
    created_ts: int
    is_guest: bool
    is_admin: bool
    deactivated: bool
    locked: bool
    suspended: bool


class ControlStore(Protocol):
    async def has_accounts(self) -> bool:
        """Guests do not count."""

    async def any_account(self) -> str | None:
        """A user ID of this server, or None before there is one."""

    async def accounts(self, after: str, limit: int) -> Sequence[AccountLine]:
        """In the order of their user IDs, guests left out; `after`: the last one of the page before, or ''."""
