"""The local users joined to the rooms in use: who may be notified of what is said there. Follows the stream."""

from homeserver.figures import CacheFigures
from homeserver.rooms.append import Identity
from homeserver.rooms.member_store import MemberStore
from homeserver.stream_cache import StreamCache
from homeserver.streams import Change, Streams

MAX_MEMBERS = 200_000  # in all rooms in memory


class Audiences:
    def __init__(self, members: MemberStore, identity: Identity, streams: Streams) -> None:
        self._members = members
        self._identity = identity
        self._rooms: StreamCache[set[str]] = StreamCache(self._load, _apply, lambda users: len(users) + 1, MAX_MEMBERS)
        streams.subscribe(self._follow)

    async def of(self, room_id: str) -> set[str]:
        """Not to be changed, and only good until the next suspension."""
        return await self._rooms.get(room_id)

    @property
    def figures(self) -> CacheFigures:
        return self._rooms.figures

    async def _load(self, room_id: str) -> set[str]:
        return set(await self._members.local_joined(room_id))

    def _follow(self, changes: list[Change]) -> None:
        if not changes:
            self._rooms.clear()
        for change in changes:
            if (
                change.kind == "event"
                and change.room_id is not None
                and change.user_id is not None
                and self._identity.is_local(change.user_id)
            ):
                self._rooms.follow(change.room_id, change)


def _apply(users: set[str], change: Change) -> bool:
    if change.subject is None or change.user_id is None:
        return False
    if change.subject.content.get("membership") == "join":
        users.add(change.user_id)
    else:
        users.discard(change.user_id)
    return True
