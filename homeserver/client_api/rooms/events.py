"""Single events (client-server API, "GET /rooms/{roomId}/event/{eventId}" and its forerunner "GET /events/{eventId}")."""

from homeserver.protocol.ids import EventId, RoomId
from homeserver.rooms.reading.serve import EventServing, Viewer
from homeserver.rooms.reading.single import SingleEvents
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request


class Events:
    def __init__(self, single: SingleEvents, serving: EventServing) -> None:
        self._single = single
        self._serving = serving

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
