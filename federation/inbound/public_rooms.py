"""The published room directory, for other servers: server-server API, "Published Room Directory"."""

from collections.abc import Mapping
from typing import Any

from config.federation import Federation
from homeserver.errors import Forbidden
from homeserver.rooms.directory.public_rooms import PublicRooms, read_query
from homeserver.web.endpoint import Access, Answer, Body, Rate, Schema, endpoint
from homeserver.web.request import Request

_PATH = "/_matrix/federation/v1/publicRooms"


class PublicRoomEndpoints:
    def __init__(self, settings: Federation, rooms: PublicRooms) -> None:
        self._settings = settings
        self._rooms = rooms

    @endpoint("GET", _PATH, access=Access.PEER, rate=Rate.NONE, body=Body.NONE)
    async def list(self, request: Request) -> Answer:
        asked = {
            "limit": request.integer("limit", 0),
            "since": request.text("since"),
            "include_all_networks": request.flag("include_all_networks"),
            "third_party_instance_id": request.text("third_party_instance_id"),
        }
        return await self._page(asked)

    @endpoint("POST", _PATH, access=Access.PEER, rate=Rate.NONE, body=Schema("client/public_rooms", optional=True))
    async def search(self, request: Request) -> Answer:
        return await self._page(request.body)

    async def _page(self, asked: Mapping[str, Any]) -> Answer:
        if not self._settings.public_rooms:
            raise Forbidden("This server shows its directory to its own users alone")
        return await self._rooms.page(read_query(asked))
