"""Users who take no invites (client-server API, "Invite permission"; MSC4380). The `InvitePermissions` of rooms."""

from typing import Any

import orjson

from homeserver.account_data.account_data import AccountData
from homeserver.account_data.store import GLOBAL
from homeserver.errors import InviteBlocked

CONFIG_TYPES = ("m.invite_permission_config", "org.matrix.msc4380.invite_permission_config")


class InvitePermission:
    def __init__(self, account_data: AccountData, server_name: str) -> None:
        self._account_data = account_data
        self._server_name = server_name

    async def check(self, user_id: str, inviter: str) -> None:
        """Raises InviteBlocked; users of other servers pass, their own server asks them."""
        if user_id.partition(":")[2] == self._server_name and await self.blocks(user_id):
            raise InviteBlocked(f"{user_id} takes no invites")

    async def blocks(self, user_id: str) -> bool:
        """Whether the user of this server takes no invites at all."""
        user = await self._account_data.of(user_id)
        for type in CONFIG_TYPES:
            content = user.content(GLOBAL, type)
            if content is not None:
                config: Any = orjson.loads(content)
                return isinstance(config, dict) and config.get("default_action") == "block"
        return False
