"""Looking into spaces, and at rooms one is not in. Client-server API, "Spaces", "GET /room_summary".

The unstable names are those that clients still ask for: MSC2946 and MSC3266.
"""

import orjson

from homeserver.client_api.rooms_named import named_room
from homeserver.errors import InvalidParam
from homeserver.protocol.ids import RoomId
from homeserver.rooms.directory.aliases import Aliases
from homeserver.rooms.directory.room_summary import RoomSummaries, SeenSummary
from homeserver.rooms.spaces.hierarchy import MAX_DEPTH, MAX_PAGE, Hierarchy
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request


class Spaces:
    def __init__(self, hierarchy: Hierarchy, summaries: RoomSummaries, aliases: Aliases) -> None:
        self._hierarchy = hierarchy
        self._summaries = summaries
        self._aliases = aliases

    @endpoint("GET", "/_matrix/client/v1/rooms/{room_id}/hierarchy", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    @endpoint(
        "GET",
        "/_matrix/client/unstable/org.matrix.msc2946/rooms/{room_id}/hierarchy",
        access=Access.GUEST,
        rate=Rate.READ,
        body=Body.NONE,
    )
    async def hierarchy(self, request: Request, room_id: RoomId) -> Answer:
        limit = request.integer("limit", MAX_PAGE, least=1, most=MAX_PAGE)
        depth = request.integer("max_depth", MAX_DEPTH, most=MAX_DEPTH)
        suggested_only = request.flag("suggested_only")
        user_id, token = request.user.user_id, request.text("from")
        if token is None:
            return await self._hierarchy.first_page(user_id, room_id, limit=limit, suggested_only=suggested_only, max_depth=depth)
        named = {"suggested_only": suggested_only, "max_depth": depth}
        given = {name: value for name, value in named.items() if request.text(name) is not None}
        return await self._hierarchy.next_page(user_id, room_id, token, limit=limit, given=given)

    @endpoint("GET", "/_matrix/client/v1/room_summary/{room_id_or_alias}", access=Access.OPTIONAL, rate=Rate.READ, body=Body.NONE)
    async def summary(self, request: Request, room_id_or_alias: str) -> Answer:
        found = await self._find(request, room_id_or_alias)
        return found.members + _membership(request, found) + b"}"

    @endpoint(
        "GET",
        "/_matrix/client/unstable/im.nheko.summary/summary/{room_id_or_alias}",
        access=Access.OPTIONAL,
        rate=Rate.READ,
        body=Body.NONE,
    )
    @endpoint(
        "GET",
        "/_matrix/client/unstable/im.nheko.summary/rooms/{room_id_or_alias}/summary",
        access=Access.OPTIONAL,
        rate=Rate.READ,
        body=Body.NONE,
    )
    async def unstable_summary(self, request: Request, room_id_or_alias: str) -> Answer:
        """With the names that the fields had at first."""
        found = await self._find(request, room_id_or_alias)
        old = {"im.nheko.summary.encryption": found.encryption, "im.nheko.summary.room_version": found.version}
        named = {name: value for name, value in old.items() if value is not None}
        extra = b"," + orjson.dumps(named)[1:-1] if named else b""
        return found.members + extra + _membership(request, found) + b"}"

    async def _find(self, request: Request, name: str) -> SeenSummary:
        if name[:1] not in ("!", "#"):
            raise InvalidParam("Neither a room ID nor an alias")
        room_id, servers = await named_room(request, name, self._aliases)
        return await self._summaries.get(None if request.caller is None else request.caller.user_id, room_id, servers)


def _membership(request: Request, found: SeenSummary) -> bytes:
    return b"" if request.caller is None else b',"membership":' + orjson.dumps(found.membership)
