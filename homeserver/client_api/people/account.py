"""One's own account: who one is, a new password, the end (client-server API, "Current account information", "Account management")."""

from typing import Any

from homeserver.accounts.accounts import Accounts
from homeserver.accounts.deactivate import Deactivation
from homeserver.accounts.interactive_auth import InteractiveAuth
from homeserver.accounts.passwords import Passwords
from homeserver.client_api.people.interactive import confirm
from homeserver.errors import MissingParam, MissingToken
from homeserver.web.endpoint import Access, Answer, Body, Rate, Schema, endpoint
from homeserver.web.request import Request


class Account:
    def __init__(self, accounts: Accounts, passwords: Passwords, deactivation: Deactivation, auth: InteractiveAuth) -> None:
        self._accounts = accounts
        self._passwords = passwords
        self._deactivation = deactivation
        self._auth = auth

    @endpoint("GET", "/_matrix/client/v3/account/whoami", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def whoami(self, request: Request) -> Answer:
        caller = request.user
        answer: dict[str, Any] = {"user_id": caller.user_id, "is_guest": caller.is_guest}
        if caller.device_id is not None:
            answer["device_id"] = caller.device_id
        return answer

    @endpoint("POST", "/_matrix/client/v3/account/password", access=Access.OPTIONAL, rate=Rate.WRITE, body=Schema("client/password"))
    async def change_password(self, request: Request) -> Answer:
        """Without a token there is nothing that could tell whose password it is: nobody can be reached by mail or telephone here."""
        caller = request.caller
        if caller is None or caller.is_guest:
            raise MissingToken
        if "new_password" in request.body:
            self._passwords.check_new(request.body["new_password"])
        elif request.body.get("auth") is None:
            raise MissingParam("new_password is missing")
        body = (await confirm(self._auth, request)).parameters
        if "new_password" not in body:
            raise MissingParam("new_password is missing")
        await self._accounts.set_password(
            caller.user_id, body["new_password"], log_out=body.get("logout_devices", True), keep_device=caller.device_id
        )
        return {}

    @endpoint(
        "POST",
        "/_matrix/client/v3/account/deactivate",
        access=Access.OPTIONAL,
        rate=Rate.WRITE,
        body=Schema("client/deactivate", optional=True),
    )
    async def deactivate(self, request: Request) -> Answer:
        caller = request.caller
        if caller is None or caller.is_guest:
            raise MissingToken
        body = request.body if caller.appservice is not None else (await confirm(self._auth, request)).parameters
        await self._deactivation.deactivate(caller.user_id, erase=body.get("erase", False))
        return {"id_server_unbind_result": "success"}
