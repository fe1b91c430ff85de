"""Rooms that other servers look for: server-server API, "Published Room Directory", "Spaces"."""

from collections.abc import Mapping
from typing import Any

from config.federation import Federation
from federation.telling.turns import Turns
from homeserver.errors import Forbidden
from homeserver.protocol.ids import RoomId
from homeserver.rooms.directory.public_rooms import PublicRooms, read_query
from homeserver.rooms.spaces.peer_hierarchy import PeerHierarchy
from homeserver.web.endpoint import Access, Answer, Body, Rate, Schema, endpoint
from homeserver.web.request import Request

_DIRECTORY = "/_matrix/federation/v1/publicRooms"


class FindingEndpoints:
    def __init__(self, settings: Federation, rooms: PublicRooms, hierarchy: PeerHierarchy, turns: Turns) -> None:
        self._settings = settings
        self._rooms = rooms
        self._hierarchy = hierarchy
        self._turns = turns

    @endpoint("GET", _DIRECTORY, access=Access.PEER, rate=Rate.NONE, body=Body.NONE)
    async def list(self, request: Request) -> Answer:
        asked = {
            "limit": request.integer("limit", 0),
            "since": request.text("since"),
            "include_all_networks": request.flag("include_all_networks"),
            "third_party_instance_id": request.text("third_party_instance_id"),
        }
        return await self._page(asked)

    @endpoint("POST", _DIRECTORY, access=Access.PEER, rate=Rate.NONE, body=Schema("client/public_rooms", optional=True))
    async def search(self, request: Request) -> Answer:
        return await self._page(request.body)

    async def _page(self, asked: Mapping[str, Any]) -> Answer:
        if not self._settings.public_rooms:
            raise Forbidden("This server shows its directory to its own users alone")
        return await self._rooms.page(read_query(asked))

    @endpoint("GET", "/_matrix/federation/v1/hierarchy/{room_id}", access=Access.PEER, rate=Rate.NONE, body=Body.NONE)
    async def hierarchy(self, request: Request, room_id: RoomId) -> Answer:
        peer, suggested_only = request.peer or "", request.flag("suggested_only")
        async with self._turns.hold(peer):
            return await self._hierarchy.page(peer, room_id, suggested_only)
