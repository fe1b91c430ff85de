"""Whose invites a user takes. The `InvitePermissions` of rooms.

Client-server API, "Invite permission" (MSC4380): from nobody at all. MSC4155: users and servers by globs, allowed, ignored (the invite is made, its
receiver is not told) or blocked (refused); what is said of users stands before what is said of servers.
"""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson

from homeserver.account_data.account_data import AccountData, UserData
from homeserver.account_data.store import GLOBAL
from homeserver.errors import InviteBlocked
from homeserver.protocol.push.glob import Glob, Text

CONFIG_TYPES = ("m.invite_permission_config", "org.matrix.msc4380.invite_permission_config")
FILTER_TYPE = "org.matrix.msc4155.invite_permission_config"
MAX_WILDCARDS = 1_000  # patterns of one list that are looked at, beside names written out


class Verdict(enum.Enum):
    """What becomes of an invite."""

    ALLOW = "allowed"
    IGNORE = "ignored"
    BLOCK = "blocked"


_NOTHING: Mapping[str, Any] = MappingProxyType({})


class InviteRules:
    """What one user says of invites. `always`: who may invite everybody."""

    def __init__(self, user: UserData, always: str = "") -> None:
        self._always = always
        self._none_at_all = any(_content(user, type).get("default_action") == "block" for type in CONFIG_TYPES)
        self._lists = _content(user, FILTER_TYPE)

    def verdict(self, inviter: str) -> Verdict:
        if inviter == self._always:
            return Verdict.ALLOW
        if self._none_at_all:
            return Verdict.BLOCK
        if not self._lists:
            return Verdict.ALLOW
        for kind, name in (("users", inviter), ("servers", inviter.partition(":")[2])):
            for verdict in Verdict:
                if _is_listed(self._lists.get(f"{verdict.value}_{kind}"), name):
                    return verdict
        return Verdict.ALLOW


class InvitePermission:
    def __init__(self, account_data: AccountData, server_name: str, notices_sender: str = "") -> None:
        """What the server has to say reaches everybody."""
        self._account_data = account_data
        self._server_name = server_name
        self._notices_sender = notices_sender

    async def check(self, user_id: str, inviter: str) -> None:
        """Raises InviteBlocked; users of other servers pass, their own server asks them."""
        if user_id.partition(":")[2] == self._server_name and (await self.rules(user_id)).verdict(inviter) is Verdict.BLOCK:
            raise InviteBlocked(f"{user_id} takes no invites from you")

    async def shows(self, user_id: str, inviter: str) -> bool:
        """Whether the user of this server is to be told of the invite."""
        user = await self._account_data.of(user_id)
        return inviter not in user.ignored and InviteRules(user, self._notices_sender).verdict(inviter) is Verdict.ALLOW

    async def rules(self, user_id: str) -> InviteRules:
        """Of a user of this server. Only invites that they allow are shown to the user."""
        return InviteRules(await self._account_data.of(user_id), self._notices_sender)


def _content(user: UserData, type: str) -> Mapping[str, Any]:
    content = user.content(GLOBAL, type)
    config = orjson.loads(content) if content else None
    return config if isinstance(config, dict) else _NOTHING


def _is_listed(patterns: Any, name: str) -> bool:
    if not isinstance(patterns, list):
        return False
    text = Text(name)
    texts = [pattern for pattern in patterns if isinstance(pattern, str)]
    if any(pattern.lower() == text.lower for pattern in texts):
        return True
    wild = [pattern for pattern in texts if "*" in pattern or "?" in pattern]
    return any(Glob(pattern).matches(text) for pattern in wild[:MAX_WILDCARDS])
