"""Tags on rooms (client-server API, "Room Tagging")."""

from homeserver.account_data.tags import Tags
from homeserver.client_api.personal.own import require_own
from homeserver.protocol.ids import RoomId, UserId
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request

_TAGS = "/_matrix/client/v3/user/{user_id}/rooms/{room_id}/tags"


class TagEndpoints:
    def __init__(self, tags: Tags) -> None:
        self._tags = tags

    @endpoint("GET", _TAGS, access=Access.USER, rate=Rate.READ, body=Body.NONE)
    async def list(self, request: Request, user_id: UserId, room_id: RoomId) -> Answer:
        return {"tags": await self._tags.of(require_own(request, user_id), room_id)}

    @endpoint("PUT", _TAGS + "/{tag}", access=Access.USER, rate=Rate.WRITE, body=Body.OPTIONAL_OBJECT)
    async def put(self, request: Request, user_id: UserId, room_id: RoomId, tag: str) -> Answer:
        await self._tags.put(require_own(request, user_id), str(room_id), tag, request.body)
        return {}

    @endpoint("DELETE", _TAGS + "/{tag}", access=Access.USER, rate=Rate.WRITE, body=Body.NONE)
    async def remove(self, request: Request, user_id: UserId, room_id: RoomId, tag: str) -> Answer:
        await self._tags.remove(require_own(request, user_id), str(room_id), tag)
        return {}
