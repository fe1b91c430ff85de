"""The published room directory. Client-server API, "GET /publicRooms", "POST /publicRooms"."""

from collections.abc import Mapping
from typing import Any

from config.rooms import Rooms
from homeserver.errors import MissingToken
from homeserver.protocol.ids import ServerName
from homeserver.rooms.directory.ports import RemoteDirectory
from homeserver.rooms.directory.public_rooms import PublicRooms, read_query
from homeserver.web.endpoint import Access, Answer, Body, Rate, Schema, endpoint
from homeserver.web.request import Request


class PublicRoomDirectory:
    def __init__(self, settings: Rooms, server_name: str, rooms: PublicRooms, remote: RemoteDirectory) -> None:
        self._settings = settings
        self._server_name = server_name
        self._rooms = rooms
        self._remote = remote

    @endpoint("GET", "/_matrix/client/v3/publicRooms", access=Access.OPTIONAL, rate=Rate.READ, body=Body.NONE)
    async def list(self, request: Request) -> Answer:
        if request.caller is None and self._settings.directory_needs_account:
            raise MissingToken
        body: dict[str, Any] = {"limit": request.integer("limit", 0)}
        since = request.text("since")
        if since is not None:
            body["since"] = since
        return await self._page(request, body)

    @endpoint(
        "POST", "/_matrix/client/v3/publicRooms", access=Access.GUEST, rate=Rate.READ, body=Schema("client/public_rooms", optional=True)
    )
    async def search(self, request: Request) -> Answer:
        return await self._page(request, request.body)

    async def _page(self, request: Request, body: Mapping[str, Any]) -> Answer:
        server = request.text("server")
        query = read_query(body)
        if server is None or server == self._server_name:
            return await self._rooms.page(query)
        asked = {key: value for key, value in body.items() if value is not None}
        return dict(await self._remote.public_rooms(ServerName.parse(server), {**asked, "limit": query.limit}))
