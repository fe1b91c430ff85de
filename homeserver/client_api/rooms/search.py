"""Searching what was said in rooms (client-server API, "Server Side Search")."""

from homeserver.rooms.reading.serve import Viewer
from homeserver.search.answer import Searching
from homeserver.search.criteria import Continuation, read_criteria
from homeserver.web.endpoint import Access, Answer, Rate, Schema, endpoint
from homeserver.web.request import Request


class Search:
    def __init__(self, searching: Searching) -> None:
        self._searching = searching

    @endpoint("POST", "/_matrix/client/v3/search", access=Access.USER, rate=Rate.READ, body=Schema("client/search"))
    async def search(self, request: Request) -> Answer:
        wish = request.body["search_categories"].get("room_events")
        if wish is None:
            return {"search_categories": {}}
        token = request.text("next_batch")
        place = Continuation.parse(token) if token else None
        caller = request.user
        answer = await self._searching.search(Viewer(caller.user_id, caller.device_id), read_criteria(wish), place)
        return b'{"search_categories":{"room_events":%b}}' % answer
