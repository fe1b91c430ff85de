"""Who shares a room with whom, from memory: presence asks this for every change and every reader."""

from homeserver.ephemeral.ports import RoomMembers
from homeserver.rooms.partial.store import WHOLE_ROOM
from homeserver.rooms.store import StoredEvent
from homeserver.stream_cache import StreamCache
from homeserver.streams import Change, Streams

CACHED_MEMBERSHIPS = 2_000_000


class Acquaintance:
    def __init__(self, members: RoomMembers, streams: Streams) -> None:
        self._members = members
        self._rooms: StreamCache[set[str]] = StreamCache(self._load, _apply, lambda rooms: 5 + len(rooms), CACHED_MEMBERSHIPS)
        streams.subscribe(self._follow)

    async def shares_room(self, user_id: str, other_id: str) -> bool:
        """Whether both are joined to some room. No suspension for users in memory."""
        return not (await self._rooms.get(user_id)).isdisjoint(await self._rooms.get(other_id))

    async def _load(self, user_id: str) -> set[str]:
        return set(await self._members.joined_rooms(user_id))

    def _follow(self, changes: list[Change]) -> None:
        if not changes:
            self._rooms.clear()
        for change in changes:
            if change.kind == WHOLE_ROOM:  # of its many members nothing else is told
                self._rooms.clear()
            elif change.kind == "event" and change.user_id is not None:
                self._rooms.follow(change.user_id, change)


def _apply(rooms: set[str], change: Change) -> bool:
    if not isinstance(change.subject, StoredEvent) or change.room_id is None:
        return False
    if change.subject.content.get("membership") == "join":
        rooms.add(change.room_id)
    else:
        rooms.discard(change.room_id)
    return True
