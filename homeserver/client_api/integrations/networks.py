"""Networks beside Matrix, and the application services that lead there (client-server API, "Third-party Networks", "Ping")."""

from collections.abc import Mapping

import orjson

from homeserver.errors import Forbidden, NotFound
from homeserver.integrations.networks import Found, Pings, ThirdPartyNetworks
from homeserver.protocol.ids import RoomAlias, UserId
from homeserver.web.endpoint import Access, Answer, Body, Rate, Schema, endpoint
from homeserver.web.request import Request

_THIRD_PARTY = "/_matrix/client/v3/thirdparty"
_NOT_FIELDS = frozenset({"access_token", "user_id", "device_id"})  # of the query: who asks


class ThirdPartyLookup:
    def __init__(self, networks: ThirdPartyNetworks) -> None:
        self._networks = networks

    @endpoint("GET", _THIRD_PARTY + "/protocols", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def protocols(self, request: Request) -> Answer:
        return dict(await self._networks.protocols())

    @endpoint("GET", _THIRD_PARTY + "/protocol/{protocol}", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def protocol(self, request: Request, protocol: str) -> Answer:
        found = await self._networks.protocol(protocol)
        if found is None:
            raise NotFound("No bridge to this network is known here")
        return dict(found)

    @endpoint("GET", _THIRD_PARTY + "/location/{protocol}", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def locations(self, request: Request, protocol: str) -> Answer:
        return _found(await self._networks.locations(protocol, _fields(request)), "No room leads there")

    @endpoint("GET", _THIRD_PARTY + "/user/{protocol}", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def users(self, request: Request, protocol: str) -> Answer:
        return _found(await self._networks.users(protocol, _fields(request)), "No user stands for them")

    @endpoint("GET", _THIRD_PARTY + "/location", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def locations_of(self, request: Request) -> Answer:
        alias = RoomAlias.parse(request.required("alias"))
        return _found(await self._networks.locations_of(alias), "This room leads to no other network")

    @endpoint("GET", _THIRD_PARTY + "/user", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def users_of(self, request: Request) -> Answer:
        user_id = UserId.parse(request.required("userid"))
        return _found(await self._networks.users_of(user_id), "This user stands for nobody in another network")


class AppservicePing:
    def __init__(self, pings: Pings | None) -> None:
        """None: there is no application service, so nobody who may ask."""
        self._pings = pings

    @endpoint(
        "POST",
        "/_matrix/client/v1/appservice/{appservice_id}/ping",
        access=Access.APPSERVICE,
        rate=Rate.WRITE,
        body=Schema("client/appservice_ping", optional=True),
    )
    async def ping(self, request: Request, appservice_id: str) -> Answer:
        caller = request.user
        if self._pings is None or caller.appservice != appservice_id:
            raise Forbidden("This is the token of another application service")
        return {"duration_ms": await self._pings.ping(appservice_id, request.body.get("transaction_id"))}


def _fields(request: Request) -> Mapping[str, str]:
    """What of the other network is looked for: every parameter is a field of it."""
    return {name: values[0] for name, values in request.query.items() if name not in _NOT_FIELDS}


def _found(found: Found, otherwise: str) -> bytes:
    if not found:
        raise NotFound(otherwise)
    return orjson.dumps([dict(one) for one in found])
