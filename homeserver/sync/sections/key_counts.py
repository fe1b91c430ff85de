"""How many keys the syncing device has left (client-server API, "End-to-end encryption", extensions to /sync)."""

from homeserver.encryption.key_counts import KeyCounting
from homeserver.sync.scope import SyncScope


class KeyCountsSection:
    def __init__(self, counting: KeyCounting) -> None:
        self._counting = counting

    async def read(self, scope: SyncScope) -> tuple[bytes, bool]:
        """(ready members of the answer, whether keys were given out since); nothing for a caller without a device."""
        device_id = scope.viewer.device_id
        if device_id is None:
            return b"", False
        told = await self._counting.of(scope.user_id, device_id)
        return told.members, told.lost_at > scope.since > 0
