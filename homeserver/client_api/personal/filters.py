"""Uploaded filters (client-server API, "Filtering")."""

from homeserver.account_data.filters import Filters
from homeserver.client_api.personal.own import require_own
from homeserver.protocol.ids import UserId
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request


class FilterEndpoints:
    def __init__(self, filters: Filters) -> None:
        self._filters = filters

    @endpoint("POST", "/_matrix/client/v3/user/{user_id}/filter", access=Access.GUEST, rate=Rate.WRITE, body=Body.OBJECT)
    async def create(self, request: Request, user_id: UserId) -> Answer:
        return {"filter_id": await self._filters.create(require_own(request, user_id), request.body)}

    @endpoint("GET", "/_matrix/client/v3/user/{user_id}/filter/{filter_id}", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def get(self, request: Request, user_id: UserId, filter_id: str) -> Answer:
        return await self._filters.definition(require_own(request, user_id), filter_id)
