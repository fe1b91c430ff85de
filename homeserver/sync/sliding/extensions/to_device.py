"""Messages to the device (MSC3885). They have a token of their own, and only what the client has acknowledged by it is removed."""

from collections.abc import Mapping
from typing import Any

from homeserver.encryption.to_device.inboxes import AT_ONCE, Inboxes
from homeserver.errors import InvalidParam
from homeserver.sync.scope import SyncScope

NAME = "to_device"
_MAX_DIGITS = 18


class ToDeviceExtension:
    def __init__(self, inboxes: Inboxes) -> None:
        self._inboxes = inboxes

    async def read(self, scope: SyncScope, wanted: Mapping[str, Any]) -> tuple[bytes, bool]:
        """(the JSON object, whether there are any)."""
        device_id = scope.viewer.device_id
        if device_id is None:
            return b'{"next_batch":"%d"}' % scope.until, False
        since = _place(wanted.get("since"))
        if since > scope.until:  # of a database since restored
            since = 0
        limit = min(wanted.get("limit") or AT_ONCE, AT_ONCE)
        waiting = (await self._inboxes.read(scope.user_id, device_id, since, scope.until))[:limit]
        if not waiting:
            return b'{"next_batch":"%d"}' % scope.until, False
        place = waiting[-1].position if len(waiting) == limit else scope.until
        return b'{"next_batch":"%d","events":[%b]}' % (place, b",".join([letter.event for letter in waiting])), True


def _place(token: str | None) -> int:
    if not token:
        return 0
    if not token.isascii() or not token.isdigit() or len(token) > _MAX_DIGITS:
        raise InvalidParam("extensions.to_device.since is no token of this server")
    return int(token)
