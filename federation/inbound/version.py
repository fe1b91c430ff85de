"""What runs here (server-server API, "Server implementation")."""

from homeserver.version import VERSION
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request


class VersionEndpoint:
    @endpoint("GET", "/_matrix/federation/v1/version", access=Access.NONE, rate=Rate.NONE, body=Body.NONE)
    async def version(self, request: Request) -> Answer:
        return {"server": {"name": "ChatMe", "version": VERSION}}
