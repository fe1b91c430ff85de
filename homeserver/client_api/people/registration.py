"""Registration (client-server API, "Account registration", "Token-authenticated registration", "Guest access")."""

from typing import Any

from homeserver.accounts.register import Registered, Registration, Wish
from homeserver.accounts.registration_tokens import RegistrationTokens
from homeserver.client_api.people.callers import note_login
from homeserver.client_api.people.interactive import attempt_of
from homeserver.client_api.people.login import calling_appservice
from homeserver.devices.last_seen import LastSeen
from homeserver.web.access import Tokens
from homeserver.web.endpoint import Access, Answer, Body, Rate, Schema, endpoint
from homeserver.web.request import Request

_APPSERVICE = "m.login.application_service"


def _wish(body: dict[str, Any]) -> Wish:
    return Wish(
        username=body.get("username"),
        password=body.get("password"),
        device_id=body.get("device_id"),
        device_name=body.get("initial_device_display_name"),
        log_in=not body.get("inhibit_login", False),
        refreshable=body.get("refresh_token", False),
    )


class Register:
    def __init__(
        self,
        registration: Registration,
        registration_tokens: RegistrationTokens,
        tokens: Tokens,
        last_seen: LastSeen,
        server_name: str,
    ) -> None:
        self._registration = registration
        self._registration_tokens = registration_tokens
        self._tokens = tokens
        self._last_seen = last_seen
        self._server_name = server_name

    @endpoint(
        "POST", "/_matrix/client/v3/register", access=Access.REGISTERING, rate=Rate.REGISTER, body=Schema("client/register", optional=True)
    )
    async def register(self, request: Request) -> Answer:
        body = request.body
        if request.choice("kind", ("user", "guest"), "user") == "guest":
            name = body.get("initial_device_display_name")
            return self._answer(request, await self._registration.register_guest(name))
        by_appservice = request.caller is not None and request.caller.appservice is not None
        if body.get("type") == _APPSERVICE or by_appservice:
            appservice = await calling_appservice(self._tokens, request)
            return self._answer(request, await self._registration.register_for_appservice(appservice, _wish(body)))
        guest_token = body.get("guest_access_token")
        await self._registration.check(_wish(body), guest_token)
        proof = await self._registration.prove(attempt_of(request, fixed=False))
        return self._answer(request, await self._registration.register(_wish(proof.parameters), proof, guest_token))

    def _answer(self, request: Request, registered: Registered) -> Answer:
        user_id, grant = registered
        if grant is None:
            return {"user_id": user_id, "home_server": self._server_name}
        note_login(self._last_seen, request, grant)
        return grant.answer(self._server_name)

    @endpoint("GET", "/_matrix/client/v3/register/available", access=Access.NONE, rate=Rate.LOGIN, body=Body.NONE)
    async def available(self, request: Request) -> Answer:
        username = request.required("username")
        self._registration.check_open()
        await self._registration.check_available(username)
        return {"available": True}

    @endpoint(
        "GET", "/_matrix/client/v1/register/m.login.registration_token/validity", access=Access.NONE, rate=Rate.REGISTER, body=Body.NONE
    )
    async def token_validity(self, request: Request) -> Answer:
        token = request.required("token")
        self._registration.check_open()
        return {"valid": await self._registration_tokens.is_valid(token)}
