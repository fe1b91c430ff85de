"""The rooms one shares with somebody (client-server API, "Mutual Rooms"; the unstable name is MSC2666's)."""

from typing import Any

from homeserver.errors import InvalidParam
from homeserver.protocol.ids import UserId
from homeserver.user_directory.mutual_rooms import MutualRooms, Page
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request

_STABLE = "/_matrix/client/v1/mutual_rooms"
_UNSTABLE = "/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms"


class MutualRoomEndpoints:
    def __init__(self, mutual_rooms: MutualRooms) -> None:
        self._mutual_rooms = mutual_rooms

    @endpoint("GET", _STABLE, access=Access.USER, rate=Rate.READ, body=Body.NONE)
    async def get(self, request: Request) -> Answer:
        page = await self._page(request, request.text("from"))
        answer: dict[str, Any] = {"joined": page.joined, "count": page.total}
        if page.next_batch is not None:
            answer["next_batch"] = page.next_batch
        return answer

    @endpoint("GET", _UNSTABLE, access=Access.USER, rate=Rate.READ, body=Body.NONE)
    async def get_unstable(self, request: Request) -> Answer:
        page = await self._page(request, request.text("batch_token"))
        answer: dict[str, Any] = {"joined": page.joined, "count": page.total}
        if page.next_batch is not None:
            answer["next_batch_token"] = page.next_batch
        return answer

    async def _page(self, request: Request, token: str | None) -> Page:
        other = UserId.parse(request.required("user_id"))
        if not other.is_compliant:
            raise InvalidParam("This user ID is not compliant")
        return await self._mutual_rooms.page(request.user.user_id, other, token)
