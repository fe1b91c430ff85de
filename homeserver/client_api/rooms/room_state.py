"""Reading and writing a room's state (client-server API, "Getting events for a room", "Sending events to a room")."""

from homeserver.client_api.rooms.sending import sent, sent_at
from homeserver.client_api.rooms_named import active
from homeserver.protocol import event_bytes
from homeserver.protocol.event import Draft
from homeserver.protocol.ids import RoomId
from homeserver.rooms.reading.serve import EventServing, Viewer
from homeserver.rooms.reading.state_views import StateViews
from homeserver.rooms.sending.state import StateSending
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request

_STATE = "/_matrix/client/v3/rooms/{room_id}/state"


class RoomState:
    def __init__(self, *, sending: StateSending, views: StateViews, serving: EventServing) -> None:
        self._sending = sending
        self._views = views
        self._serving = serving

    @endpoint("PUT", _STATE + "/{event_type}/", access=Access.GUEST, rate=Rate.MESSAGE, body=Body.OBJECT)
    @endpoint("PUT", _STATE + "/{event_type}", access=Access.GUEST, rate=Rate.MESSAGE, body=Body.OBJECT)
    async def put(self, request: Request, room_id: RoomId, event_type: str) -> Answer:
        return await self.put_keyed(request, room_id, event_type, "")

    @endpoint("PUT", _STATE + "/{event_type}/{state_key}", access=Access.GUEST, rate=Rate.MESSAGE, body=Body.OBJECT)
    async def put_keyed(self, request: Request, room_id: RoomId, event_type: str, state_key: str) -> Answer:
        caller = request.user
        if not (event_type == "m.room.member" and state_key == caller.user_id and request.body.get("membership") == "leave"):
            active(request)
        if event_type == "m.room.member":
            await self._charge(request, room_id)
        draft = Draft(event_type, caller.user_id, request.body, state_key, origin_server_ts=sent_at(request, caller))
        return sent(await self._sending.write(room_id, draft, guest=caller.is_guest))

    async def _charge(self, request: Request, room_id: str) -> None:
        """Who is invited, or comes in, by way of the state costs what it costs by the endpoints for that; a new name in a room does not."""
        membership = request.body.get("membership")
        if membership == "invite":
            request.charge(Rate.INVITE)
        elif membership == "knock" or (membership == "join" and not await self._sending.is_joined(room_id, request.user.user_id)):
            request.charge(Rate.JOIN)

    @endpoint("GET", _STATE + "/{event_type}/", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    @endpoint("GET", _STATE + "/{event_type}", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def get(self, request: Request, room_id: RoomId, event_type: str) -> Answer:
        return await self.get_keyed(request, room_id, event_type, "")

    @endpoint("GET", _STATE + "/{event_type}/{state_key}", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def get_keyed(self, request: Request, room_id: RoomId, event_type: str, state_key: str) -> Answer:
        caller = request.user
        whole = request.choice("format", ("content", "event"), "content") == "event"
        event = await self._views.one(caller.user_id, room_id, (event_type, state_key))
        if not whole:
            return event_bytes.content(event.body)
        return (await self._serving.plain([event], Viewer(caller.user_id, caller.device_id)))[0]

    @endpoint("GET", _STATE, access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def all(self, request: Request, room_id: RoomId) -> Answer:
        caller = request.user
        events = await self._views.all(caller.user_id, room_id)
        return b"[%b]" % b",".join(await self._serving.bare(events, Viewer(caller.user_id, caller.device_id)))
