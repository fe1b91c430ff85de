"""Presence of other servers' users, as far as somebody here shares a room with them."""

from typing import Any

from federation.devices.store import RemoteDeviceStore
from federation.edus.early_presence import EarlyPresence
from federation.edus.origin import own_user
from homeserver.clock import Clock
from homeserver.ephemeral.presence import MAX_STATUS_BYTES, Presence
from homeserver.errors import Forbidden
from homeserver.protocol.errors import InvalidIdentifier
from homeserver.rooms.partial.partial_rooms import PartialRooms
from homeserver.streams import Streams


class PresenceEdu:
    def __init__(self, presence: Presence, store: RemoteDeviceStore, partial: PartialRooms, streams: Streams, clock: Clock) -> None:
        self._presence = presence
        self._store = store
        self._partial = partial
        self.early = EarlyPresence(partial, store.sharing, streams, clock, self._receive)

    async def take(self, origin: str, content: dict[str, Any]) -> None:
        """One bad update does not spoil the others."""
        if not self._presence.enabled:
            return
        sharing = await self._sharing(origin, [each["user_id"] for each in content["push"]])
        refused: Exception | None = None
        for each in content["push"]:
            try:
                self._take_one(origin, own_user(each["user_id"], origin), each, sharing)
            except (Forbidden, InvalidIdentifier) as error:
                refused = error
        if refused is not None:
            raise refused

    async def _sharing(self, origin: str, user_ids: list[str]) -> set[str]:
        """Those of the users who share a room with somebody here, as of a moment when it was known in which rooms the server is."""
        while True:
            partial = self._partial.rooms_of(origin)
            sharing = await self._store.sharing(user_ids)
            if partial == self._partial.rooms_of(origin):
                return sharing

    def _take_one(self, origin: str, user_id: str, update: dict[str, Any], sharing: set[str]) -> None:
        if user_id in sharing:
            self._receive(user_id, update)
        else:
            self.early.keep(origin, user_id, update)

    def _receive(self, user_id: str, update: dict[str, Any]) -> None:
        self.early.forget(user_id)
        status = update.get("status_msg")
        if status is not None and (len(status.encode()) > MAX_STATUS_BYTES or "\0" in status):
            status = None
        self._presence.receive(user_id, update["presence"], status, update.get("last_active_ago", 0), update.get("currently_active", False))
