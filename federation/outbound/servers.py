"""Which other servers are in a room, as of where the stream was read: kept by room, told by the changes that its reader passes.

Somebody who comes brings a server along; whether one is gone with somebody who goes, the store is asked when the room is next spoken in.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from federation.outbound.destination import Destination
from homeserver.figures import CacheFigures
from homeserver.rooms.store import StoredEvent
from homeserver.stream_cache import StreamCache
from homeserver.streams import Change

CACHED: Final = 500_000  # servers and rooms
OF_A_ROOM: Final = 5
NEVER: Final = -1


class Servers:
    """Of one room. `live` are the destinations that are not behind, as of `generation` of all destinations."""

    __slots__ = ("generation", "live", "names")

    def __init__(self, names: set[str]) -> None:
        self.names = names
        self.live: tuple[Destination, ...] = ()
        self.generation = NEVER


class RoomServers:
    def __init__(self, load: Callable[[str], Awaitable[set[str]]], own_name: str) -> None:
        self._own_name = own_name
        self._ask = load
        self._cache: StreamCache[Servers] = StreamCache(self._load, self._apply, lambda room: OF_A_ROOM + len(room.names), CACHED)
        self.peek = self._cache.peek
        self.get = self._cache.get
        self.clear = self._cache.clear
        self.drop = self._cache.drop

    def follow(self, change: Change) -> None:
        """Of the membership of another server's user."""
        if change.room_id is not None:
            self._cache.follow(change.room_id, change)

    @property
    def figures(self) -> CacheFigures:
        return self._cache.figures

    async def _load(self, room_id: str) -> Servers:
        return Servers(await self._ask(room_id) - {self._own_name})

    def _apply(self, room: Servers, change: Change) -> bool:
        if not isinstance(change.subject, StoredEvent) or change.user_id is None:
            return False
        name = change.user_id.partition(":")[2]
        if change.subject.content.get("membership") != "join":
            return name not in room.names
        if name not in room.names and name != self._own_name:
            room.names.add(name)
            room.generation = NEVER
        return True
