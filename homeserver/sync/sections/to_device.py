"""Messages for the syncing device (client-server API, "Send-to-Device messaging", extensions to /sync)."""

from homeserver.encryption.to_device.inboxes import AT_ONCE, Inboxes
from homeserver.sync.scope import SyncScope


class ToDeviceSection:
    def __init__(self, inboxes: Inboxes) -> None:
        self._inboxes = inboxes

    async def read(self, scope: SyncScope) -> tuple[list[bytes], int]:
        """(the ready events, up to where the device then has them). What came with the token it comes back with is removed."""
        device_id = scope.viewer.device_id
        if device_id is None:
            return [], scope.until
        waiting = await self._inboxes.read(scope.user_id, device_id, scope.to_device_since, scope.until)
        place = waiting[-1].position if len(waiting) == AT_ONCE else scope.until
        return [letter.event for letter in waiting], place
