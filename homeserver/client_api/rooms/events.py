"""Single events, what stands around them, and the one nearest to a moment.

Client-server API, "Getting events for a room", "Event Context", "timestamp_to_event" (once MSC3030).
"""

from homeserver.account_data.filters import Filters
from homeserver.client_api.rooms.messages import room_filter
from homeserver.protocol.ids import EventId, RoomId
from homeserver.rooms.reading.context import Contexts
from homeserver.rooms.reading.serve import EventServing, Viewer
from homeserver.rooms.reading.single import SingleEvents
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request

DEFAULT_LIMIT = 10
MAX_LIMIT = 200


class Events:
    def __init__(self, *, single: SingleEvents, contexts: Contexts, serving: EventServing, filters: Filters) -> None:
        self._single = single
        self._contexts = contexts
        self._serving = serving
        self._filters = filters

    @endpoint("GET", "/_matrix/client/v3/rooms/{room_id}/event/{event_id}", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def in_room(self, request: Request, room_id: RoomId, event_id: EventId) -> Answer:
        return await self._serve(request, event_id, room_id)

    @endpoint("GET", "/_matrix/client/v3/events/{event_id}", access=Access.USER, rate=Rate.READ, body=Body.NONE)
    async def anywhere(self, request: Request, event_id: EventId) -> Answer:
        return await self._serve(request, event_id, None)

    async def _serve(self, request: Request, event_id: str, room_id: str | None) -> bytes:
        caller = request.user
        seen = await self._single.get(caller.user_id, event_id, room_id)
        return (await self._serving.serve([seen], Viewer(caller.user_id, caller.device_id)))[0]

    @endpoint("GET", "/_matrix/client/v3/rooms/{room_id}/context/{event_id}", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def context(self, request: Request, room_id: RoomId, event_id: EventId) -> Answer:
        caller = request.user
        limit = request.integer("limit", DEFAULT_LIMIT, most=MAX_LIMIT)
        context = await self._contexts.around(caller.user_id, room_id, event_id, limit, room_filter(request, self._filters))
        viewer = Viewer(caller.user_id, caller.device_id)
        served = await self._serving.serve([*context.earlier, context.event, *context.later], viewer)
        state = await self._serving.bare(context.state, viewer)
        count = len(context.earlier)
        return b'{"start":"%b","end":"%b","events_before":[%b],"event":%b,"events_after":[%b],"state":[%b]}' % (
            str(context.start).encode(),
            str(context.end).encode(),
            b",".join(served[:count]),
            served[count],
            b",".join(served[count + 1 :]),
            b",".join(state),
        )

    @endpoint("GET", "/_matrix/client/v1/rooms/{room_id}/timestamp_to_event", access=Access.USER, rate=Rate.READ, body=Body.NONE)
    @endpoint(
        "GET",
        "/_matrix/client/unstable/org.matrix.msc3030/rooms/{room_id}/timestamp_to_event",
        access=Access.USER,
        rate=Rate.READ,
        body=Body.NONE,
    )
    async def at_moment(self, request: Request, room_id: RoomId) -> Answer:
        request.required("ts")
        backwards = request.choice("dir", ("f", "b")) == "b"
        event = await self._contexts.nearest(request.user.user_id, room_id, request.integer("ts", 0), backwards=backwards)
        return {"event_id": event.event_id, "origin_server_ts": event.ts}
