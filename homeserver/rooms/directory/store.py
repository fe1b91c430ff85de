"""What finding rooms asks of the storage, and the records that travel."""

from typing import NamedTuple, Protocol

from homeserver.rooms.store import RoomRecord, StoredEvent

ALIASES = "aliases"  # the kind of the Change announced when a room gets or loses an alias
LISTING = "listing"  # the kind of the Change announced when a room enters or leaves a directory

SUMMARY_TYPES = (
    "m.room.avatar",
    "m.room.canonical_alias",
    "m.room.create",
    "m.room.encryption",
    "m.room.guest_access",
    "m.room.history_visibility",
    "m.room.join_rules",
    "m.room.name",
    "m.room.topic",
)


class AliasRecord(NamedTuple):
    alias: str
    room_id: str
    creator: str
    created_ts: int


class NetworkListing(NamedTuple):
    """A room in the directory of a third-party network, put there by an application service."""

    appservice: str
    network: str
    room_id: str


class RoomFacts(NamedTuple):
    """A room and those of its state events, with an empty state key, that a summary is made of."""

    room: RoomRecord
    events: tuple[StoredEvent, ...]


class DirectoryStore(Protocol):
    """Aliases of this server and its lists of rooms."""

    async def alias(self, alias: str) -> AliasRecord | None: ...

    async def aliases_of(self, room_id: str) -> list[str]: ...

    async def claim(self, record: AliasRecord, stale_before: int) -> bool:
        """Take the alias; False when it is taken. One made before `stale_before` for a room that was never stored counts as free."""

    async def release(self, alias: str, room_id: str) -> bool:
        """Remove the alias if it points to that room."""

    async def publish(self, room_id: str, published: bool) -> bool:
        """Enter or remove the room; False when this server does not know it."""

    async def list_in_network(self, listing: NetworkListing, listed: bool) -> None: ...

    async def published(self, limit: int) -> list[str]:
        """The rooms of the directory, the largest first."""

    async def network_listings(self) -> list[NetworkListing]: ...


class SummaryStore(Protocol):
    async def facts(self, room_id: str) -> RoomFacts | None:
        """None when this server has no state of such a room."""

    async def children(self, room_id: str) -> list[StoredEvent]:
        """The room's current m.space.child events."""

    async def servers(self, room_id: str) -> list[str]:
        """The servers with joined members, those with the most first."""
