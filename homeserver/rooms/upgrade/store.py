"""What upgrades ask of the storage."""

from collections.abc import Collection
from typing import Protocol

from homeserver.rooms.store import StoredEvent


class UpgradeStore(Protocol):
    async def state_of_types(self, room_id: str, types: Collection[str]) -> list[StoredEvent]:
        """The current state events of these types, in no order."""

    async def bans(self, room_id: str) -> list[StoredEvent]:
        """The m.room.member events of everyone who is banned."""
