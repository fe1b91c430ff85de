"""Making rooms. Client-server API, "Creation"."""

from homeserver.client_api.rooms_named import active
from homeserver.rooms.creation.found import RoomFounder
from homeserver.web.endpoint import Access, Answer, Rate, Schema, endpoint
from homeserver.web.request import Request


class Creation:
    def __init__(self, founder: RoomFounder) -> None:
        self._founder = founder

    @endpoint("POST", "/_matrix/client/v3/createRoom", access=Access.USER, rate=Rate.CREATE_ROOM, body=Schema("client/create_room"))
    async def create(self, request: Request) -> Answer:
        return {"room_id": await self._founder.found(active(request), request.body)}
