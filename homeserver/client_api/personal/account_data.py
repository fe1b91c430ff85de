"""Account data, global and per room (client-server API, "Client Config"; its removal is MSC3391)."""

from homeserver.account_data.account_data import AccountData
from homeserver.account_data.store import GLOBAL
from homeserver.client_api.personal.own import require_own
from homeserver.protocol.ids import RoomId, UserId
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request

_GLOBAL = "/_matrix/client/v3/user/{user_id}/account_data/{type}"
_ROOM = "/_matrix/client/v3/user/{user_id}/rooms/{room_id}/account_data/{type}"
_MSC3391 = "/_matrix/client/unstable/org.matrix.msc3391/user/{user_id}"


class AccountDataEndpoints:
    def __init__(self, account_data: AccountData) -> None:
        self._account_data = account_data

    @endpoint("GET", _GLOBAL, access=Access.USER, rate=Rate.READ, body=Body.NONE)
    async def get(self, request: Request, user_id: UserId, type: str) -> Answer:
        return await self._account_data.content(require_own(request, user_id), GLOBAL, type)

    @endpoint("PUT", _GLOBAL, access=Access.USER, rate=Rate.WRITE, body=Body.OBJECT)
    async def put(self, request: Request, user_id: UserId, type: str) -> Answer:
        await self._account_data.put(require_own(request, user_id), GLOBAL, type, request.body)
        return {}

    @endpoint("DELETE", _MSC3391 + "/account_data/{type}", access=Access.USER, rate=Rate.WRITE, body=Body.NONE)
    async def delete(self, request: Request, user_id: UserId, type: str) -> Answer:
        await self._account_data.delete(require_own(request, user_id), GLOBAL, type)
        return {}

    @endpoint("GET", _ROOM, access=Access.USER, rate=Rate.READ, body=Body.NONE)
    async def get_in_room(self, request: Request, user_id: UserId, room_id: RoomId, type: str) -> Answer:
        return await self._account_data.content(require_own(request, user_id), room_id, type)

    @endpoint("PUT", _ROOM, access=Access.USER, rate=Rate.WRITE, body=Body.OBJECT)
    async def put_in_room(self, request: Request, user_id: UserId, room_id: RoomId, type: str) -> Answer:
        await self._account_data.put(require_own(request, user_id), str(room_id), type, request.body)
        return {}

    @endpoint("DELETE", _MSC3391 + "/rooms/{room_id}/account_data/{type}", access=Access.USER, rate=Rate.WRITE, body=Body.NONE)
    async def delete_in_room(self, request: Request, user_id: UserId, room_id: RoomId, type: str) -> Answer:
        await self._account_data.delete(require_own(request, user_id), str(room_id), type)
        return {}
