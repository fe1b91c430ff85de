"""Spaces, for other servers: server-server API, "Spaces"."""

from federation.telling.turns import Turns
from homeserver.protocol.ids import RoomId
from homeserver.rooms.spaces.peer_hierarchy import PeerHierarchy
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request


class SpaceEndpoints:
    def __init__(self, hierarchy: PeerHierarchy, turns: Turns) -> None:
        self._hierarchy = hierarchy
        self._turns = turns

    @endpoint("GET", "/_matrix/federation/v1/hierarchy/{room_id}", access=Access.PEER, rate=Rate.NONE, body=Body.NONE)
    async def hierarchy(self, request: Request, room_id: RoomId) -> Answer:
        peer, suggested_only = request.peer or "", request.flag("suggested_only")
        async with self._turns.hold(peer):
            return await self._hierarchy.page(peer, room_id, suggested_only)
