"""E-mail addresses of accounts (client-server API, "Adding Account Administrative Contact Information").

This server proves addresses itself and speaks to no identity server: nothing can be bound to one here, and nothing is.
"""

from typing import Any

from homeserver.accounts.interactive_auth import InteractiveAuth
from homeserver.accounts.threepids.proofs import Proven
from homeserver.accounts.threepids.threepids import Threepids
from homeserver.client_api.people.interactive import confirm
from homeserver.client_api.rooms_named import active
from homeserver.errors import MissingParam, ServerNotTrusted, ThreepidAuthFailed
from homeserver.web.endpoint import Access, Answer, Body, Rate, Schema, endpoint
from homeserver.web.request import Request

_CLIENT = "/_matrix/client/v3"
_NO_SUPPORT = {"id_server_unbind_result": "no-support"}


class ThreepidEndpoints:
    def __init__(self, threepids: Threepids, auth: InteractiveAuth) -> None:
        self._threepids = threepids
        self._auth = auth

    @endpoint("GET", f"{_CLIENT}/account/3pid", access=Access.USER, rate=Rate.READ, body=Body.NONE)
    async def list(self, request: Request) -> Answer:
        found = await self._threepids.of_user(request.user.user_id)
        return {
            "threepids": [
                {"medium": each.medium, "address": each.address, "validated_at": each.validated_ts, "added_at": each.added_ts}
                for each in found
            ]
        }

    @endpoint("POST", f"{_CLIENT}/account/3pid", access=Access.USER, rate=Rate.WRITE, body=Schema("client/threepid_creds"))
    async def bind_as_before(self, request: Request) -> Answer:
        """Deprecated; it would add an address for which an identity server vouches, without asking who calls."""
        raise ThreepidAuthFailed("No identity server vouches for anybody here, see /account/3pid/add")

    @endpoint("POST", f"{_CLIENT}/account/3pid/add", access=Access.USER, rate=Rate.WRITE, body=Schema("client/threepid_add"))
    async def add(self, request: Request) -> Answer:
        self._threepids.check_changes()
        if request.body.get("auth") is None:
            await self._proven(request.body)  # told before anybody is asked for a password
        parameters = (await confirm(self._auth, request)).parameters
        await self._threepids.add(request.user.user_id, await self._proven(parameters))
        return {}

    async def _proven(self, parameters: dict[str, Any]) -> Proven:
        if "sid" not in parameters or "client_secret" not in parameters:
            raise MissingParam("sid and client_secret are needed")
        return await self._threepids.proven(parameters["sid"], parameters["client_secret"])

    @endpoint("POST", f"{_CLIENT}/account/3pid/bind", access=Access.USER, rate=Rate.WRITE, body=Schema("client/threepid_bind"))
    async def bind(self, request: Request) -> Answer:
        raise ServerNotTrusted("This server speaks to no identity server")

    @endpoint("POST", f"{_CLIENT}/account/3pid/delete", access=Access.USER, rate=Rate.WRITE, body=Schema("client/threepid"))
    async def delete(self, request: Request) -> Answer:
        """Who is suspended can still be reached: addresses are added, none is taken back."""
        active(request)
        await self._threepids.remove(request.user.user_id, request.body["medium"], request.body["address"])
        return _NO_SUPPORT

    @endpoint("POST", f"{_CLIENT}/account/3pid/unbind", access=Access.USER, rate=Rate.WRITE, body=Schema("client/threepid"))
    async def unbind(self, request: Request) -> Answer:
        """What an identity server knows is not in our hands."""
        return _NO_SUPPORT
