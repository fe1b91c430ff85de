"""Relations and threads (client-server API, "GET …/relations/{eventId}", "GET …/threads"); MSC2675 and MSC3856 under their unstable names."""

from homeserver.client_api.rooms.messages import place_of
from homeserver.errors import InvalidParam
from homeserver.protocol.ids import EventId, RoomId
from homeserver.rooms.reading.related import RECURSION_DEPTH, Related, RelatedQuestion
from homeserver.rooms.reading.serve import EventServing, Viewer
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request

_RELATIONS = "/rooms/{room_id}/relations/{event_id}"
_V1, _UNSTABLE = "/_matrix/client/v1", "/_matrix/client/unstable"
DEFAULT_LIMIT = 50
MAX_LIMIT = 500


class Relations:
    def __init__(self, related: Related, serving: EventServing) -> None:
        self._related = related
        self._serving = serving

    @endpoint("GET", _V1 + _RELATIONS, access=Access.USER, rate=Rate.READ, body=Body.NONE)
    @endpoint("GET", _UNSTABLE + _RELATIONS, access=Access.USER, rate=Rate.READ, body=Body.NONE)
    async def any(self, request: Request, room_id: RoomId, event_id: EventId) -> Answer:
        return await self._page(request, room_id, event_id, None, None)

    @endpoint("GET", _V1 + _RELATIONS + "/{rel_type}", access=Access.USER, rate=Rate.READ, body=Body.NONE)
    @endpoint("GET", _UNSTABLE + _RELATIONS + "/{rel_type}", access=Access.USER, rate=Rate.READ, body=Body.NONE)
    async def of_relation(self, request: Request, room_id: RoomId, event_id: EventId, rel_type: str) -> Answer:
        return await self._page(request, room_id, event_id, rel_type, None)

    @endpoint("GET", _V1 + _RELATIONS + "/{rel_type}/{event_type}", access=Access.USER, rate=Rate.READ, body=Body.NONE)
    @endpoint("GET", _UNSTABLE + _RELATIONS + "/{rel_type}/{event_type}", access=Access.USER, rate=Rate.READ, body=Body.NONE)
    async def of_types(self, request: Request, room_id: RoomId, event_id: EventId, rel_type: str, event_type: str) -> Answer:
        return await self._page(request, room_id, event_id, rel_type, event_type)

    async def _page(self, request: Request, room_id: str, event_id: str, rel_type: str | None, event_type: str | None) -> bytes:
        caller = request.user
        start = place_of(request, "from")
        recurse = request.text("recurse") is not None or request.text("org.matrix.msc3981.recurse") is not None
        question = RelatedQuestion(
            caller.user_id,
            room_id,
            event_id,
            rel_type,
            event_type,
            request.choice("dir", ("b", "f"), "b") == "b",
            start,
            place_of(request, "to"),
            request.integer("limit", DEFAULT_LIMIT, least=1, most=MAX_LIMIT),
            request.flag("recurse") or request.flag("org.matrix.msc3981.recurse"),
        )
        page = await self._related.page(question)
        parts = [b'{"chunk":[', b",".join(await self._serving.serve(page.seen, Viewer(caller.user_id, caller.device_id))), b"]"]
        if start is not None:
            parts.append(b',"prev_batch":"%b"' % str(start).encode())
        if page.end is not None:
            parts.append(b',"next_batch":"%b"' % str(page.end).encode())
        if recurse:
            parts.append(b',"recursion_depth":%d' % (RECURSION_DEPTH if question.recurse else 1))
        parts.append(b"}")
        return b"".join(parts)

    @endpoint("GET", _V1 + "/rooms/{room_id}/threads", access=Access.USER, rate=Rate.READ, body=Body.NONE)
    @endpoint("GET", _UNSTABLE + "/org.matrix.msc3856/rooms/{room_id}/threads", access=Access.USER, rate=Rate.READ, body=Body.NONE)
    async def threads(self, request: Request, room_id: RoomId) -> Answer:
        caller = request.user
        page = await self._related.threads(
            caller.user_id,
            room_id,
            participated=request.choice("include", ("all", "participated"), "all") == "participated",
            before=_thread_place(request),
            limit=request.integer("limit", DEFAULT_LIMIT, least=1, most=MAX_LIMIT),
        )
        served = await self._serving.serve(page.seen, Viewer(caller.user_id, caller.device_id))
        following = b"" if page.end is None else b',"next_batch":"p%d"' % page.end
        return b'{"chunk":[%b]%b}' % (b",".join(served), following)


def _thread_place(request: Request) -> int | None:
    token = request.text("from")
    if not token:
        return None
    number = token.removeprefix("p")
    if number == token or len(number) > 17 or not number.removeprefix("-").isdecimal() or not number.isascii():
        raise InvalidParam("This is no token of this server")
    return int(number)
