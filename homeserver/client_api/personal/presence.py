"""Presence of users (client-server API, "Presence")."""

from homeserver.client_api.personal.own import require_own
from homeserver.client_api.rooms_named import active
from homeserver.ephemeral.presence import Presence
from homeserver.protocol.ids import UserId
from homeserver.web.endpoint import Access, Answer, Body, Rate, Schema, endpoint
from homeserver.web.request import Request

_STATUS = "/_matrix/client/v3/presence/{user_id}/status"


class PresenceEndpoints:
    def __init__(self, presence: Presence) -> None:
        self._presence = presence

    @endpoint("GET", _STATUS, access=Access.USER, rate=Rate.READ, body=Body.NONE)
    async def get(self, request: Request, user_id: UserId) -> Answer:
        return await self._presence.of(user_id, request.user.user_id)

    @endpoint("PUT", _STATUS, access=Access.USER, rate=Rate.WRITE, body=Schema("client/presence"))
    async def put(self, request: Request, user_id: UserId) -> Answer:
        own = require_own(request, user_id)
        if request.body.get("status_msg") is not None:
            active(request)
        await self._presence.put(str(own), request.body["presence"], request.body.get("status_msg"), request.user.device_id)
        return {}
