"""A room's history, page by page (client-server API, "GET /rooms/{roomId}/messages")."""

from homeserver.account_data.filters import Filters
from homeserver.protocol.filters import RoomEventFilter
from homeserver.protocol.ids import RoomId
from homeserver.rooms.reading.paging import MAX_PAGE, PageQuestion, Paging
from homeserver.rooms.reading.place import Place
from homeserver.rooms.reading.serve import EventServing, Viewer
from homeserver.rooms.reading.wanted import EVERYTHING
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request

DEFAULT_LIMIT = 10


class Messages:
    def __init__(self, *, paging: Paging, serving: EventServing, filters: Filters) -> None:
        self._paging = paging
        self._serving = serving
        self._filters = filters

    @endpoint("GET", "/_matrix/client/v3/rooms/{room_id}/messages", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def messages(self, request: Request, room_id: RoomId) -> Answer:
        caller = request.user
        question = PageQuestion(
            caller.user_id,
            room_id,
            request.choice("dir", ("b", "f"), "b") == "b",
            place_of(request, "from"),
            place_of(request, "to"),
            request.integer("limit", DEFAULT_LIMIT, most=MAX_PAGE),
            room_filter(request, self._filters),
        )
        page = await self._paging.page(question)
        viewer = Viewer(caller.user_id, caller.device_id)
        parts = [b'{"chunk":[', b",".join(await self._serving.serve(page.seen, viewer)), b'],"start":"%b"' % str(page.start).encode()]
        if page.end is not None:
            parts.append(b',"end":"%b"' % str(page.end).encode())
        if question.wanted.lazy_load_members:
            members = await self._paging.senders(page.seen)
            parts.append(b',"state":[%b]' % b",".join(await self._serving.bare(members, viewer)))
        parts.append(b"}")
        return b"".join(parts)


def place_of(request: Request, name: str) -> Place | None:
    """The place that a token in the query names; raises InvalidParam."""
    token = request.text(name)
    return Place.parse(token) if token else None


def room_filter(request: Request, filters: Filters) -> RoomEventFilter:
    """The RoomEventFilter of the query."""
    text = request.text("filter")
    return filters.inline_room(text) if text else EVERYTHING
