"""Entering rooms into the published directory and into those of third-party networks. Client-server API, "Published room directory"."""

from config.rooms import Rooms
from homeserver.errors import Forbidden, NotFound
from homeserver.rooms.directory.canonical_alias import CANONICAL_ALIAS
from homeserver.rooms.directory.ports import Actor
from homeserver.rooms.directory.powers import RoomPowers
from homeserver.rooms.directory.store import DirectoryStore, NetworkListing
from homeserver.rooms.directory.summaries import Summaries


class Listing:
    """Who may publish what."""

    def __init__(self, settings: Rooms, store: DirectoryStore, summaries: Summaries, powers: RoomPowers) -> None:
        self._settings = settings
        self._store = store
        self._summaries = summaries
        self._powers = powers

    def check_publisher(self, actor: Actor) -> None:
        """Whether the actor may publish rooms at all."""
        if self._settings.who_may_publish == "admins" and not actor.is_admin:
            raise Forbidden("Only administrators may publish rooms on this server")

    async def is_published(self, room_id: str) -> bool:
        summary = await self._summaries.get(room_id)
        if summary is None:
            raise NotFound("Room not found")
        return summary.published

    async def publish(self, room_id: str, published: bool, actor: Actor) -> None:
        """For administrators, and those who may set the room's canonical alias."""
        if await self._summaries.get(room_id) is None:
            raise NotFound("Room not found")
        if published:
            self.check_publisher(actor)
        if not actor.is_admin and not await self._powers.may_send_state(room_id, actor.user_id, CANONICAL_ALIAS):
            raise Forbidden("You may not change whether this room is in the directory")
        await self._store.publish(room_id, published)

    async def list_in_network(self, network: str, room_id: str, listed: bool, appservice: str) -> None:
        if await self._summaries.get(room_id) is None:
            raise NotFound("Room not found")
        await self._store.list_in_network(NetworkListing(appservice, network, room_id), listed)
