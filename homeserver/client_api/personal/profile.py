"""Profiles (client-server API, "Profiles"; the unstable names are MSC4133's)."""

from homeserver.client_api.personal.own import require_own
from homeserver.errors import GuestAccessForbidden, MissingParam, UserSuspended
from homeserver.profiles.fields import DISPLAYNAME
from homeserver.profiles.profiles import Profiles
from homeserver.protocol.ids import UserId
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request

_PROFILE = "/_matrix/client/v3/profile/{user_id}"
_UNSTABLE = "/_matrix/client/unstable/uk.tcpip.msc4133/profile/{user_id}"


class ProfileEndpoints:
    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles

    @endpoint("GET", _PROFILE, access=Access.NONE, rate=Rate.READ, body=Body.NONE)
    @endpoint("GET", _UNSTABLE, access=Access.NONE, rate=Rate.READ, body=Body.NONE)
    async def get(self, request: Request, user_id: UserId) -> Answer:
        return await self._profiles.profile(user_id)

    @endpoint("GET", _PROFILE + "/{key_name}", access=Access.NONE, rate=Rate.READ, body=Body.NONE)
    @endpoint("GET", _UNSTABLE + "/{key_name}", access=Access.NONE, rate=Rate.READ, body=Body.NONE)
    async def get_field(self, request: Request, user_id: UserId, key_name: str) -> Answer:
        return await self._profiles.profile(user_id, key_name)

    @endpoint("PUT", _PROFILE + "/{key_name}", access=Access.GUEST, rate=Rate.WRITE, body=Body.OBJECT)
    @endpoint("PUT", _UNSTABLE + "/{key_name}", access=Access.GUEST, rate=Rate.WRITE, body=Body.OBJECT)
    async def put_field(self, request: Request, user_id: UserId, key_name: str) -> Answer:
        own = _changeable(request, user_id, key_name)
        if key_name not in request.body:
            raise MissingParam(f"Missing: {key_name}")
        await self._profiles.put(own, key_name, request.body[key_name])
        return {}

    @endpoint("DELETE", _PROFILE + "/{key_name}", access=Access.GUEST, rate=Rate.WRITE, body=Body.NONE)
    @endpoint("DELETE", _UNSTABLE + "/{key_name}", access=Access.GUEST, rate=Rate.WRITE, body=Body.NONE)
    async def remove_field(self, request: Request, user_id: UserId, key_name: str) -> Answer:
        await self._profiles.remove(_changeable(request, user_id, key_name), key_name)
        return {}


def _changeable(request: Request, user_id: str, key_name: str) -> str:
    """Guests may change their name alone, suspended users nothing (client-server API, "Guest Access", "Account suspension")."""
    if request.user.is_guest and key_name != DISPLAYNAME:
        raise GuestAccessForbidden("Guests may change their display name only")
    if request.user.suspended:
        raise UserSuspended
    return require_own(request, user_id)
