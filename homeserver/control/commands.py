"""The commands, one method each: what `chatme create-user` and its like do on the server. Answers are lines for a person, or for a script."""

from collections.abc import Awaitable, Callable
from time import gmtime, strftime
from typing import Any, Protocol

from homeserver.accounts.accounts import Accounts
from homeserver.accounts.deactivate import Deactivation
from homeserver.accounts.names import Names
from homeserver.accounts.registration_tokens import RegistrationTokens
from homeserver.clock import Clock
from homeserver.control.errors import Refused
from homeserver.control.store import AccountLine, ControlStore
from homeserver.errors import MatrixError

PAGE = 500
DAY_MS = 86_400_000
Arguments = dict[str, Any]


class Notices(Protocol):
    """How people are told something."""

    async def send(self, user_id: str, text: str) -> str: ...

    async def send_to_all(self, text: str) -> tuple[int, int]:
        """How many were told, and how many could not be."""


class AdministratorCommands:
    def __init__(
        self,
        accounts: Accounts,
        deactivation: Deactivation,
        tokens: RegistrationTokens,
        names: Names,
        notices: Notices,
        store: ControlStore,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._deactivation = deactivation
        self._tokens = tokens
        self._names = names
        self._notices = notices
        self._store = store
        self._clock = clock
        self._table: dict[str, Callable[[Arguments], Awaitable[list[str]]]] = {
            "create-user": self._create_user,
            "reset-password": self._reset_password,
            "set-admin": self._set_admin,
            "lock-user": self._lock_user,
            "suspend-user": self._suspend_user,
            "deactivate-user": self._deactivate_user,
            "list-users": self._list_users,
            "send-notice": self._send_notice,
            "issue-token": self._issue_token,
            "list-tokens": self._list_tokens,
            "revoke-token": self._revoke_token,
        }

    async def has_accounts(self) -> bool:
        """Whether anybody but guests has an account."""
        return await self._store.has_accounts()

    async def run(self, command: str, arguments: Arguments) -> list[str]:
        carry_out = self._table.get(command)
        if carry_out is None:
            raise Refused(f"the running server knows no command {command}: it may be of another version")
        try:
            return await carry_out(arguments)
        except MatrixError as error:
            raise Refused(error.message) from error

    async def _create_user(self, arguments: Arguments) -> list[str]:
        name = self._localpart(arguments["name"])
        admin = arguments["admin"]
        user_id, _ = await self._accounts.create(name, arguments["password"], is_admin=admin, displayname=arguments["display_name"])
        return [f"{user_id} has been created{', an administrator' if admin else ''}."]

    async def _reset_password(self, arguments: Arguments) -> list[str]:
        user_id = self._user_id(arguments["name"])
        await self._accounts.set_password(user_id, arguments["password"], log_out=not arguments["keep_devices"])
        return [f"{user_id} has a new password{'' if arguments['keep_devices'] else ' and is logged out everywhere'}."]

    async def _set_admin(self, arguments: Arguments) -> list[str]:
        user_id = await self._active(arguments["name"])
        await self._accounts.set_admin(user_id, not arguments["no"])
        return [f"{user_id} is {'no longer' if arguments['no'] else 'now'} an administrator."]

    async def _lock_user(self, arguments: Arguments) -> list[str]:
        user_id = await self._active(arguments["name"])
        await self._accounts.set_locked(user_id, not arguments["no"])
        return [f"{user_id} is {'no longer' if arguments['no'] else 'now'} locked."]

    async def _suspend_user(self, arguments: Arguments) -> list[str]:
        user_id = await self._active(arguments["name"])
        await self._accounts.set_suspended(user_id, not arguments["no"])
        return [f"{user_id} is {'no longer' if arguments['no'] else 'now'} suspended."]

    async def _deactivate_user(self, arguments: Arguments) -> list[str]:
        user_id = self._user_id(arguments["name"])
        await self._deactivation.deactivate(user_id, erase=arguments["erase"])
        return [f"{user_id} has been deactivated{' and erased' if arguments['erase'] else ''}; it leaves its rooms."]

    async def _list_users(self, _: Arguments) -> list[str]:
        lines: list[str] = []
        page = await self._store.accounts("", PAGE)
        while page:
            lines += map(_account_line, page)
            page = await self._store.accounts(page[-1].user_id, PAGE)
        return lines

    async def _send_notice(self, arguments: Arguments) -> list[str]:
        if not arguments["text"].strip():
            raise Refused("there is nothing to tell")
        if arguments["to"] is not None:
            user_id = self._user_id(arguments["to"])
            await self._notices.send(user_id, arguments["text"])
            return [f"{user_id} has been told."]
        told, missed = await self._notices.send_to_all(arguments["text"])
        return [f"{told} have been told{f', {missed} could not be: see the log' if missed else ''}."]

    async def _issue_token(self, arguments: Arguments) -> list[str]:
        days = arguments["days"]
        expires = None if days is None else self._clock.now_ms() + days * DAY_MS
        token = await self._tokens.create(arguments["token"], uses_allowed=arguments["uses"], expires_ts=expires)
        return [token.token]

    async def _list_tokens(self, _: Arguments) -> list[str]:
        lines = []
        for token in await self._tokens.all():
            uses = f"{token.completed} of {token.uses_allowed} used" if token.uses_allowed is not None else f"{token.completed} used"
            until = "" if token.expires_ts is None else f", until {_day(token.expires_ts)}"
            lines.append(f"{token.token}  {uses}{until}{'' if self._tokens.is_usable(token) else ', of no more use'}")
        return lines

    async def _revoke_token(self, arguments: Arguments) -> list[str]:
        await self._tokens.delete(arguments["token"])
        return ["The token has been revoked."]

    async def _active(self, name: str) -> str:
        """Of a closed account nothing can be changed any more."""
        user_id = self._user_id(name)
        if (await self._accounts.require(user_id)).deactivated:
            raise Refused(f"{user_id} has been deactivated")
        return user_id

    def _user_id(self, name: str) -> str:
        return self._names.user_id(self._localpart(name))

    def _localpart(self, name: str) -> str:
        if not name.startswith("@"):
            return name
        if not self._names.is_ours(name):
            raise Refused(f"{name} is no user of this server, {self._names.server_name}")
        return name[1:].partition(":")[0]


def _account_line(account: AccountLine) -> str:
    marks = {
        "administrator": account.is_admin,
        "deactivated": account.deactivated,
        "locked": account.locked,
        "suspended": account.suspended,
    }
    words = [f"since {_day(account.created_ts)}", *(word for word, holds in marks.items() if holds)]
    return f"{account.user_id}  {', '.join(words)}"


def _day(timestamp_ms: int) -> str:
    return strftime("%Y-%m-%d", gmtime(timestamp_ms // 1000))
