"""Aliases, and which rooms are in the directory. Client-server API, "Room aliases", "Published room directory"."""

from homeserver.client_api.rooms_named import active
from homeserver.protocol.ids import RoomAlias, RoomId
from homeserver.rooms.directory.aliases import Aliases
from homeserver.rooms.directory.listing import Listing
from homeserver.web.endpoint import Access, Answer, Body, Rate, Schema, endpoint
from homeserver.web.request import Request


class RoomDirectory:
    def __init__(self, aliases: Aliases, listing: Listing) -> None:
        self._aliases = aliases
        self._listing = listing

    @endpoint(
        "PUT", "/_matrix/client/v3/directory/room/{room_alias}", access=Access.USER, rate=Rate.WRITE, body=Schema("client/room_alias")
    )
    async def create_alias(self, request: Request, room_alias: RoomAlias) -> Answer:
        await self._aliases.create(room_alias, RoomId.parse(request.body["room_id"]), active(request))
        return {}

    @endpoint("GET", "/_matrix/client/v3/directory/room/{room_alias}", access=Access.NONE, rate=Rate.READ, body=Body.NONE)
    async def resolve_alias(self, request: Request, room_alias: RoomAlias) -> Answer:
        room_id, servers = await self._aliases.resolve(room_alias)
        return {"room_id": room_id, "servers": servers}

    @endpoint("DELETE", "/_matrix/client/v3/directory/room/{room_alias}", access=Access.USER, rate=Rate.WRITE, body=Body.NONE)
    async def delete_alias(self, request: Request, room_alias: RoomAlias) -> Answer:
        await self._aliases.delete(room_alias, active(request))
        return {}

    @endpoint("GET", "/_matrix/client/v3/rooms/{room_id}/aliases", access=Access.USER, rate=Rate.READ, body=Body.NONE)
    async def aliases_of_room(self, request: Request, room_id: RoomId) -> Answer:
        return {"aliases": await self._aliases.of_room(room_id, request.user)}

    @endpoint("GET", "/_matrix/client/v3/directory/list/room/{room_id}", access=Access.NONE, rate=Rate.READ, body=Body.NONE)
    async def visibility(self, request: Request, room_id: RoomId) -> Answer:
        return {"visibility": "public" if await self._listing.is_published(room_id) else "private"}

    @endpoint(
        "PUT",
        "/_matrix/client/v3/directory/list/room/{room_id}",
        access=Access.USER,
        rate=Rate.WRITE,
        body=Schema("client/room_listing", optional=True),
    )
    async def publish(self, request: Request, room_id: RoomId) -> Answer:
        await self._listing.publish(room_id, request.body.get("visibility", "public") == "public", active(request))
        return {}

    @endpoint(
        "PUT",
        "/_matrix/client/v3/directory/list/appservice/{network_id}/{room_id}",
        access=Access.APPSERVICE,
        rate=Rate.WRITE,
        body=Schema("client/network_listing"),
    )
    async def list_in_network(self, request: Request, network_id: str, room_id: RoomId) -> Answer:
        appservice = request.user.appservice or ""
        await self._listing.list_in_network(network_id, room_id, request.body["visibility"] == "public", appservice)
        return {}
