"""Presence of other servers' users, as far as somebody here shares a room with them."""

from typing import Any

from federation.devices.store import RemoteDeviceStore
from federation.edus.origin import own_user
from homeserver.ephemeral.presence import MAX_STATUS_BYTES, Presence
from homeserver.errors import Forbidden
from homeserver.protocol.errors import InvalidIdentifier


class PresenceEdu:
    def __init__(self, presence: Presence, store: RemoteDeviceStore) -> None:
        self._presence = presence
        self._store = store

    async def take(self, origin: str, content: dict[str, Any]) -> None:
        """One bad update does not spoil the others."""
        if not self._presence.enabled:
            return
        sharing = await self._store.sharing([each["user_id"] for each in content["push"]])
        refused: Exception | None = None
        for each in content["push"]:
            try:
                self._take_one(own_user(each["user_id"], origin), each, sharing)
            except (Forbidden, InvalidIdentifier) as error:
                refused = error
        if refused is not None:
            raise refused

    def _take_one(self, user_id: str, update: dict[str, Any], sharing: set[str]) -> None:
        if user_id not in sharing:
            return
        status = update.get("status_msg")
        if status is not None and (len(status.encode()) > MAX_STATUS_BYTES or "\0" in status):
            status = None
        self._presence.receive(user_id, update["presence"], status, update.get("last_active_ago", 0), update.get("currently_active", False))
