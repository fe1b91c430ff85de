"""Login, logout and the tokens between them (client-server API, "Login", "Refreshing access tokens")."""

from typing import Any, Protocol

from config.accounts import Passwords as PasswordSettings
from homeserver.accounts.accounts import Accounts
from homeserver.accounts.interactive_auth import InteractiveAuth
from homeserver.accounts.log_in import LogIn
from homeserver.accounts.names import Names
from homeserver.accounts.refresh import Refresher
from homeserver.accounts.store import Account
from homeserver.accounts.threepids.identifiers import Identifiers
from homeserver.client_api.people.callers import note_login
from homeserver.client_api.people.interactive import confirm
from homeserver.devices.device_list import DeviceList
from homeserver.devices.last_seen import LastSeen
from homeserver.errors import Forbidden, MissingParam, MissingToken, Unknown, UnknownToken
from homeserver.web.access import Tokens, token_of
from homeserver.web.endpoint import Access, Answer, Body, Caller, Rate, Schema, endpoint
from homeserver.web.request import Request


async def calling_appservice(tokens: Tokens, request: Request) -> str:
    """The application service whose token came along; raises MissingToken, UnknownToken."""
    token = token_of(request)
    if token is None:
        raise MissingToken
    caller: Caller | None = tokens.cached(token) or await tokens.find(token)
    if caller is None or caller.appservice is None:
        raise UnknownToken("This is no token of an application service", soft_logout=False)
    return caller.appservice


class Login:
    """From a proof of who one is to tokens."""

    def __init__(
        self,
        log_in: LogIn,
        refresher: Refresher,
        names: Names,
        identifiers: Identifiers,
        tokens: Tokens,
        last_seen: LastSeen,
        settings: PasswordSettings,
        public_base_url: str,
    ) -> None:
        self._log_in = log_in
        self._refresher = refresher
        self._names = names
        self._identifiers = identifiers
        self._tokens = tokens
        self._last_seen = last_seen
        self._takes_passwords = settings.login
        self._base_url = public_base_url.rstrip("/")

    @endpoint("GET", "/_matrix/client/v3/login", access=Access.NONE, rate=Rate.READ, body=Body.NONE)
    async def flows(self, request: Request) -> Answer:
        flows: list[dict[str, Any]] = [{"type": "m.login.password"}] if self._takes_passwords else []
        flows += [{"type": "m.login.token", "get_login_token": True}, {"type": "m.login.application_service"}]
        return {"flows": flows}

    @endpoint("POST", "/_matrix/client/v3/login", access=Access.NONE, rate=Rate.LOGIN, body=Schema("client/login"))
    async def login(self, request: Request) -> Answer:
        body = request.body
        kind = body["type"]
        if kind == "m.login.password" and self._takes_passwords:
            account = await self._by_password(request)
        elif kind == "m.login.token":
            if "token" not in body:
                raise MissingParam("token is missing")
            account = await self._log_in.by_token(body["token"])
        elif kind == "m.login.application_service":
            account = await self._log_in.as_appservice(await calling_appservice(self._tokens, request), await self._named(body))
        else:
            raise Unknown("This type of login is not offered")
        grant = await self._log_in.open(
            account.user_id,
            body.get("device_id"),
            body.get("initial_device_display_name"),
            refreshable=body.get("refresh_token", False),
        )
        note_login(self._last_seen, request, grant)
        answer = grant.answer(self._names.server_name)
        if self._base_url:
            answer["well_known"] = {"m.homeserver": {"base_url": self._base_url}}
        return answer

    async def _by_password(self, request: Request) -> Account:
        body = request.body
        user_id = await self._named(body)
        if "password" not in body:
            raise MissingParam("password is missing")
        return await self._log_in.by_password(user_id, body["password"], request.remote_ip)

    async def _named(self, body: dict[str, Any]) -> str:
        user_id = await self._identifiers.named(body)
        if user_id is None:
            raise MissingParam("identifier is missing")
        return user_id

    @endpoint("POST", "/_matrix/client/v3/refresh", access=Access.NONE, rate=Rate.READ, body=Schema("client/refresh"))
    async def refresh(self, request: Request) -> Answer:
        grant = await self._refresher.refresh(request.body["refresh_token"])
        answer: dict[str, Any] = {"access_token": grant.access_token, "refresh_token": grant.refresh_token}
        if grant.expires_in_ms is not None:
            answer["expires_in_ms"] = grant.expires_in_ms
        return answer


class LoginTokens:
    """Logging in a further device from one that is logged in."""

    def __init__(self, log_in: LogIn, accounts: Accounts, auth: InteractiveAuth) -> None:
        self._log_in = log_in
        self._accounts = accounts
        self._auth = auth

    @endpoint(
        "POST", "/_matrix/client/v1/login/get_token", access=Access.USER, rate=Rate.LOGIN, body=Schema("client/interactive", optional=True)
    )
    async def get_token(self, request: Request) -> Answer:
        user_id = request.user.user_id
        if request.user.appservice is not None or not await self._accounts.has_password(user_id):
            raise Unknown("This account cannot confirm who it is, so it gets no login tokens")
        await confirm(self._auth, request)
        token, lifetime_ms = await self._log_in.login_token(user_id)
        return {"login_token": token, "expires_in_ms": lifetime_ms}


class Ending(Protocol):
    async def end(self, token: str) -> None:
        """Ends an access token that belongs to no device."""


class Logout:
    """The end of one device, or of all."""

    def __init__(self, devices: DeviceList, tokens: Ending) -> None:
        self._devices = devices
        self._tokens = tokens

    @endpoint("POST", "/_matrix/client/v3/logout", access=Access.LOCKED, rate=Rate.WRITE, body=Body.NONE)
    async def logout(self, request: Request) -> Answer:
        caller = request.user
        if caller.device_id is not None:
            await self._devices.remove(caller.user_id, (caller.device_id,))
        elif caller.appservice is not None:
            raise Forbidden("The token of an application service cannot be logged out")
        elif (token := token_of(request)) is not None:
            await self._tokens.end(token)
        return {}

    @endpoint("POST", "/_matrix/client/v3/logout/all", access=Access.LOCKED, rate=Rate.WRITE, body=Body.NONE)
    async def logout_all(self, request: Request) -> Answer:
        await self._devices.remove_all(request.user.user_id)
        return {}
