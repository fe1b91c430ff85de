"""Users of other servers leave, or knock: server-server API, "Leaving rooms (rejecting invites)", "Knocking upon a room"."""

from federation.inbound.entry import Entry, check_name
from homeserver.errors import NotFound
from homeserver.protocol.ids import EventId, RoomId, UserId
from homeserver.rooms.handshakes.resident import Resident
from homeserver.rooms.handshakes.shown import ShownState
from homeserver.web.endpoint import Access, Answer, Body, Rate, Reply, endpoint
from homeserver.web.request import Request

_V1 = "/_matrix/federation/v1"
_V2 = "/_matrix/federation/v2"


class DepartureEndpoints:
    def __init__(self, resident: Resident, entry: Entry, shown: ShownState) -> None:
        self._resident = resident
        self._entry = entry
        self._shown = shown

    @endpoint("GET", _V1 + "/make_leave/{room_id}/{user_id}", access=Access.PEER, rate=Rate.NONE, body=Body.NONE)
    async def make_leave(self, request: Request, room_id: RoomId, user_id: UserId) -> Answer:
        check_name(request.peer or "", user_id)
        return await self._resident.template(room_id, user_id, "leave")

    @endpoint("PUT", _V2 + "/send_leave/{room_id}/{event_id}", access=Access.PEER, rate=Rate.NONE, body=Body.OBJECT)
    async def send_leave(self, request: Request, room_id: RoomId, event_id: EventId) -> Answer:
        await self._entry.take_in(request.peer or "", request.body, event_id, room_id, "leave")
        return {}

    @endpoint("PUT", _V1 + "/send_leave/{room_id}/{event_id}", access=Access.PEER, rate=Rate.NONE, body=Body.OBJECT)
    async def send_leave_as_of_old(self, request: Request, room_id: RoomId, event_id: EventId) -> Answer:
        return Reply([200, await self.send_leave(request, room_id, event_id)])

    @endpoint("GET", _V1 + "/make_knock/{room_id}/{user_id}", access=Access.PEER, rate=Rate.NONE, body=Body.NONE)
    async def make_knock(self, request: Request, room_id: RoomId, user_id: UserId) -> Answer:
        check_name(request.peer or "", user_id)
        return await self._resident.template(room_id, user_id, "knock", request.query.get("ver", ()))

    @endpoint("PUT", _V1 + "/send_knock/{room_id}/{event_id}", access=Access.PEER, rate=Rate.NONE, body=Body.OBJECT)
    async def send_knock(self, request: Request, room_id: RoomId, event_id: EventId) -> Answer:
        _, stored = await self._entry.take_in(request.peer or "", request.body, event_id, room_id, "knock")
        if stored.state_before is None:
            raise NotFound("The state before the knock is not known here")
        return {"knock_room_state": await self._shown.of(stored.state_before)}
