"""What other servers look up, and services beside Matrix: server-server API, "Querying for information", "OpenID"."""

from config.federation import Federation
from homeserver.errors import Forbidden, InvalidParam, NotFound, UnknownToken
from homeserver.integrations.openid import OpenIdTokens
from homeserver.profiles.profiles import Profiles
from homeserver.protocol.ids import RoomAlias, UserId
from homeserver.rooms.directory.aliases import Aliases
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request

_QUERY = "/_matrix/federation/v1/query/"


class QueryEndpoints:
    def __init__(self, settings: Federation, server_name: str, aliases: Aliases, profiles: Profiles) -> None:
        self._settings = settings
        self._server_name = server_name
        self._aliases = aliases
        self._profiles = profiles

    @endpoint("GET", _QUERY + "directory", access=Access.PEER, rate=Rate.NONE, body=Body.NONE)
    async def directory(self, request: Request) -> Answer:
        alias = RoomAlias.parse(request.required("room_alias"))
        if not self._aliases.is_local(alias):
            raise InvalidParam("The alias is of another server")
        record = await self._aliases.local(alias)
        if record is None:
            raise NotFound("There is no such alias")
        return {"room_id": record.room_id, "servers": await self._aliases.servers(record.room_id)}

    @endpoint("GET", _QUERY + "profile", access=Access.PEER, rate=Rate.NONE, body=Body.NONE)
    async def profile(self, request: Request) -> Answer:
        if not self._settings.profiles:
            raise Forbidden("This server shows profiles to its own users alone")
        user_id = UserId.parse(request.required("user_id"))
        if user_id.server_name != self._server_name:
            raise InvalidParam("The user is of another server")
        return await self._profiles.local_profile(user_id, request.text("field"))

    @endpoint("GET", _QUERY + "{query_type}", access=Access.PEER, rate=Rate.NONE, body=Body.NONE)
    async def other(self, request: Request, query_type: str) -> Answer:
        raise NotFound("This server knows no such query")


class OpenIdEndpoint:
    """Whose OpenID token it is, for the service that was given it."""

    def __init__(self, tokens: OpenIdTokens) -> None:
        self._tokens = tokens

    @endpoint("GET", "/_matrix/federation/v1/openid/userinfo", access=Access.NONE, rate=Rate.READ, body=Body.NONE)
    async def userinfo(self, request: Request) -> Answer:
        owner = await self._tokens.owner_of(request.required("access_token"))
        if owner is None:
            raise UnknownToken("Access token unknown or expired")
        return {"sub": owner}
