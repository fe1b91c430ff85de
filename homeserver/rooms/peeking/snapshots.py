"""A room's present state and newest messages at once (client-server API, "GET /rooms/{roomId}/initialSync")."""

from typing import NamedTuple

from homeserver.rooms.reading.history import History, Seen
from homeserver.rooms.reading.paging import PageQuestion, Paging
from homeserver.rooms.reading.place import Place, before
from homeserver.rooms.reading.state_views import StateViews
from homeserver.rooms.store import RoomStore, StoredEvent
from homeserver.streams import Streams


class Snapshot(NamedTuple):
    """`messages`: oldest first. `membership` None: the user only looks in."""

    room_id: str
    membership: str | None
    published: bool
    messages: list[Seen]
    start: Place
    end: Place
    state: list[StoredEvent]


class Snapshots:
    def __init__(self, *, store: RoomStore, paging: Paging, views: StateViews, history: History, streams: Streams) -> None:
        self._store = store
        self._paging = paging
        self._views = views
        self._history = history
        self._streams = streams

    async def room(self, user_id: str, room_id: str, limit: int) -> Snapshot:
        """M_FORBIDDEN for who may not look into the room."""
        member = await self._history.may_read(user_id, room_id)
        end = Place(self._streams.position)
        page = await self._paging.page(PageQuestion(user_id, room_id, True, end, limit=limit))
        room = await self._store.room(room_id)
        return Snapshot(
            room_id,
            None if member is None else member.membership,
            room is not None and room.published,
            page.seen[::-1],
            page.end or (before(page.seen[-1].event) if page.seen else end),
            end,
            await self._views.all(user_id, room_id),
        )
