"""From the access token to the caller, and whether that caller may use the endpoint.

Client-server API, "Client Authentication", "Account locking"; application-service API, "Identity assertion".
"""

from collections.abc import Callable
from typing import Protocol

from homeserver.errors import Forbidden, GuestAccessForbidden, InvalidParam, MissingToken, UnknownToken, UserLocked
from homeserver.web.endpoint import Access, Caller
from homeserver.web.request import Request

_ASSERTED_DEVICE = ("device_id", "org.matrix.msc3202.device_id")


class Tokens(Protocol):
    """What the edge asks of the accounts."""

    def cached(self, token: str) -> Caller | None:
        """The caller if it is known without waiting; None says nothing."""

    async def find(self, token: str) -> Caller | None:
        """The caller, or None for a token nobody has; may raise UnknownToken with soft_logout."""

    async def refreshed(self, user_id: str, device_id: str) -> Caller | None:
        """The caller by a token that took the place of another of the device; None: there is no such token."""

    async def find_asserted(self, service: Caller, user_id: str | None, device_id: str | None) -> Caller:
        """The user as whom an application service acts (`service` is the owner of its token); Forbidden outside its namespaces."""


class Peers(Protocol):
    """What the edge asks of federation."""

    async def authenticate(self, request: Request) -> str:
        """The server name that signed the request (`raw_body` is read already); raises a Matrix error with 401."""

    async def admit(self, peer: str, room_id: str) -> None:
        """Raises Forbidden for a server that the room in the path keeps out."""


def token_of(request: Request) -> str | None:
    """The access token from the header, or from the query as old clients send it; None if there is none."""
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None
    if "access_token=" in request.query_text:
        return request.text("access_token") or None
    return None


def _any(caller: Caller) -> None:
    """No further condition."""


def _unlocked(caller: Caller) -> None:
    if caller.locked:
        raise UserLocked(soft_logout=True)


def _user(caller: Caller) -> None:
    _unlocked(caller)
    if caller.is_guest:
        raise GuestAccessForbidden


def _admin(caller: Caller) -> None:
    _unlocked(caller)
    if not caller.is_admin:
        raise Forbidden("You are not a server administrator")


def _appservice(caller: Caller) -> None:
    _unlocked(caller)
    if caller.appservice is None:
        raise Forbidden("Only application services may do this")


Condition = Callable[[Caller], None]
CONDITIONS: dict[Access, Condition] = {
    Access.OPTIONAL: _unlocked,
    Access.REGISTERING: _unlocked,
    Access.GUEST: _unlocked,
    Access.USER: _user,
    Access.LOCKED: _any,
    Access.ADMIN: _admin,
    Access.APPSERVICE: _appservice,
}


class Entry:
    """Who comes in. One object serves all endpoints."""

    def __init__(self, tokens: Tokens, peers: Peers | None = None) -> None:
        self._tokens = tokens
        self._peers = peers

    @property
    def takes_peers(self) -> bool:
        return self._peers is not None

    def known(self, request: Request, access: Access, condition: Condition) -> Caller | None:
        """The caller where no waiting is needed; None: ask `find`. `condition` is that of the access."""
        token = token_of(request)
        if token is None:
            if access in (Access.OPTIONAL, Access.REGISTERING):
                return None
            raise MissingToken
        caller = self._tokens.cached(token)
        if caller is None or caller.appservice is not None:
            return None
        condition(caller)
        return caller

    async def find(self, request: Request, access: Access) -> Caller | None:
        """The caller; None only where the token is optional and absent."""
        token = token_of(request)
        if token is None:
            return None
        caller = self._tokens.cached(token) or await self._tokens.find(token)
        if caller is None:
            raise UnknownToken(soft_logout=False)
        if caller.appservice is not None and access is not Access.REGISTERING:
            caller = await self._asserted(request, caller)
        CONDITIONS[access](caller)
        return caller

    async def recheck(self, request: Request, access: Access) -> None:
        """Whether a caller who has waited is still let in: not when he was logged out or locked meanwhile; well when his token was refreshed."""
        before, token = request.caller, token_of(request)
        if before is None or token is None or before.appservice is not None:
            return
        caller = self._tokens.cached(token) or await self._tokens.find(token)
        if caller is None and before.device_id is not None:
            caller = await self._tokens.refreshed(before.user_id, before.device_id)
        if caller is None:
            raise UnknownToken(soft_logout=False)
        CONDITIONS[access](caller)

    async def _asserted(self, request: Request, service: Caller) -> Caller:
        user_id = request.text("user_id")
        device_id = next((value for name in _ASSERTED_DEVICE if (value := request.text(name)) is not None), None)
        if user_id is None and device_id is None:
            return service
        if user_id == "" or device_id == "":
            raise InvalidParam("An asserted user or device ID is empty")
        return await self._tokens.find_asserted(service, user_id, device_id)

    async def peer(self, request: Request) -> str:
        if self._peers is None:
            raise RuntimeError("no federation, but an endpoint for peers")
        return await self._peers.authenticate(request)

    async def admit(self, peer: str, room_id: str) -> None:
        if self._peers is not None:
            await self._peers.admit(peer, room_id)
