"""One's own account: who one is, a new password, the end (client-server API, "Current account information", "Account management")."""

from typing import Any

from homeserver.accounts.accounts import Accounts
from homeserver.accounts.deactivate import Deactivation
from homeserver.accounts.interactive_auth import InteractiveAuth
from homeserver.accounts.passwords import Passwords
from homeserver.accounts.threepids.proofs import Proofs
from homeserver.accounts.threepids.stage import EMAIL_STAGE
from homeserver.accounts.threepids.threepids import Threepids
from homeserver.client_api.people.interactive import attempt_of, confirm
from homeserver.errors import GuestAccessForbidden, MissingParam, MissingToken
from homeserver.web.endpoint import Access, Answer, Body, Rate, Schema, endpoint
from homeserver.web.request import Request


class Account:
    def __init__(
        self,
        accounts: Accounts,
        passwords: Passwords,
        deactivation: Deactivation,
        auth: InteractiveAuth,
        threepids: Threepids,
        proofs: Proofs,
    ) -> None:
        self._accounts = accounts
        self._passwords = passwords
        self._deactivation = deactivation
        self._auth = auth
        self._threepids = threepids
        self._proofs = proofs

    @endpoint("GET", "/_matrix/client/v3/account/whoami", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def whoami(self, request: Request) -> Answer:
        caller = request.user
        answer: dict[str, Any] = {"user_id": caller.user_id, "is_guest": caller.is_guest}
        if caller.device_id is not None:
            answer["device_id"] = caller.device_id
        return answer

    @endpoint("POST", "/_matrix/client/v3/account/password", access=Access.OPTIONAL, rate=Rate.WRITE, body=Schema("client/password"))
    async def change_password(self, request: Request) -> Answer:
        """Who has no token must have an account with an address, where this server sends mail."""
        caller = request.caller
        if caller is None and not self._proofs.possible:
            raise MissingToken
        if caller is not None and caller.is_guest:
            raise GuestAccessForbidden
        if "new_password" in request.body:
            self._passwords.check_new(request.body["new_password"])
        elif request.body.get("auth") is None:
            raise MissingParam("new_password is missing")
        if caller is None:
            return await self._reset_password(request)
        body = (await confirm(self._auth, request)).parameters
        if "new_password" not in body:
            raise MissingParam("new_password is missing")
        await self._accounts.set_password(
            caller.user_id, body["new_password"], log_out=body.get("logout_devices", True), keep_device=caller.device_id
        )
        return {}

    async def _reset_password(self, request: Request) -> Answer:
        """By an address of the account; its proof is used up."""
        proof = await self._auth.require(attempt_of(request, fixed=False), ((EMAIL_STAGE,),))
        body, proven = proof.parameters, proof.completed[EMAIL_STAGE]
        if "new_password" not in body:
            raise MissingParam("new_password is missing")
        user_id = await self._threepids.owner_of(proven["address"])
        await self._proofs.use_up(proven["sid"])
        await self._accounts.set_password(user_id, body["new_password"], log_out=body.get("logout_devices", True))
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
