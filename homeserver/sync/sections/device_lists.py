"""Whose devices the client has to look up again (client-server API, "End-to-end encryption", extensions to /sync)."""

from collections.abc import Collection

import orjson

from homeserver.encryption.device_lists import DeviceLists
from homeserver.sync.scope import SyncScope


class DeviceListSection:
    def __init__(self, lists: DeviceLists) -> None:
        self._lists = lists

    def rooms(self, scope: SyncScope, joined: Collection[str]) -> frozenset[str] | None:
        """The user's rooms as they are now, for `read`; None: there will be nothing to tell."""
        return None if scope.since == 0 or self._lists.is_quiet(scope.since) else frozenset(joined)

    async def read(self, scope: SyncScope, joined: frozenset[str] | None) -> bytes:
        """The JSON object, empty bytes for nothing."""
        if joined is None:
            return b""
        difference = await self._lists.changed(scope.user_id, scope.since, scope.until, joined)
        return orjson.dumps(difference._asdict()) if difference.changed or difference.left else b""
