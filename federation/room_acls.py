"""Which servers a room keeps out, asked at every request and of every event: kept by room, dropped when the stream tells of a change."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

from homeserver.errors import Forbidden
from homeserver.figures import CacheFigures
from homeserver.protocol.event import StateKey
from homeserver.protocol.server_acl import ServerAcl
from homeserver.rooms.store import StoredEvent
from homeserver.stream_cache import StreamCache
from homeserver.streams import Change, Streams

MOST_ROOMS: Final = 20_000
ACL: Final[StateKey] = ("m.room.server_acl", "")
OPEN: Final = ServerAcl(allow=("*",), deny=())

CurrentState = Callable[[str, Iterable[StateKey]], Awaitable[Mapping[StateKey, StoredEvent]]]


class RoomAcls:
    def __init__(self, current_state: CurrentState, streams: Streams) -> None:
        self._current_state = current_state
        self._cache: StreamCache[ServerAcl] = StreamCache(self._load, _outlasts, lambda _: 1, MOST_ROOMS)
        streams.subscribe(self._follow)

    async def allows(self, server_name: str, room_id: str) -> bool:
        """A room without a list, or of which nothing is known here, is open."""
        return (self._cache.peek(room_id) or await self._cache.get(room_id)).allows(server_name)

    async def check(self, server_name: str, room_id: str) -> None:
        """Raises Forbidden."""
        if not await self.allows(server_name, room_id):
            raise Forbidden("Your server is not allowed in this room")

    @property
    def figures(self) -> CacheFigures:
        return self._cache.figures

    async def _load(self, room_id: str) -> ServerAcl:
        event = (await self._current_state(room_id, [ACL])).get(ACL)
        return OPEN if event is None else ServerAcl.of(event.content)

    def _follow(self, changes: list[Change]) -> None:
        if not changes:
            self._cache.clear()
        for change in changes:
            if change.room_id is not None and change.kind in ("event", "redacted"):
                self._cache.follow(change.room_id, change)


def _outlasts(_: ServerAcl, change: Change) -> bool:
    return (
        change.kind == "event"
        and change.subject is not None
        and (change.subject.state_key is None or change.subject.type == "m.room.member")
    )
