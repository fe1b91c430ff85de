"""Laws that every declared endpoint obeys, whatever it does: who may not call is told so, what is no request is refused, too fast is too fast.

`check_laws(dispatch, tokens)` wants a Dispatch without rate limits, `check_rates(dispatch, tokens)` one whose limits are `ONCE`. No endpoint runs
in the first; in the second each may run once, with sample parameters. A broken law is an AssertionError that names the endpoint.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from config.rate_limits import RateLimit, RateLimits
from homeserver.web.dispatch import Dispatch
from homeserver.web.endpoint import Access, Body, Declaration, Rate, Reply, Schema
from tests.support.client import Client, run, start

_ONE = RateLimit(0.000001, 1)
_ALL: dict[str, Any] = {rate.value: _ONE for rate in Rate if rate is not Rate.NONE}
ONCE = RateLimits(**_ALL)
SAMPLES = {
    "room_id": "!room:example.org",
    "user_id": "@user:example.org",
    "event_id": "$event",
    "room_alias": "%23alias:example.org",
    "server_name": "example.org",
}
NOT_JSON = (b"{", b"nonsense", b'{"a":NaN}', b'{"a":"\\ud800"}', b"\xff")
BAD_JSON = (b"[]", b'"text"', b"null", b'{"a":1,"a":2}', b'{"a":' + b"[" * 200 + b"]" * 200 + b"}", b'{"a":123456789012345678901}')


@dataclass(frozen=True)
class LawTokens:
    """Access tokens of the given kinds of callers; None where the Dispatch knows no such caller."""

    user: str
    guest: str | None = None
    locked: str | None = None
    admin: str | None = None
    appservice: str | None = None


def sample_path(declaration: Declaration) -> str:
    """The path with plausible values in its parameters."""
    segments = declaration.path.split("/")
    return "/".join(SAMPLES.get(segment[1:-1], "sample") if segment[:1] == "{" else segment for segment in segments)


def check_laws(dispatch: Dispatch, tokens: LawTokens) -> int:
    """How many endpoints were checked."""
    for route in dispatch.router.routes:
        laws = _Laws(dispatch, route.declaration, tokens)
        laws.check_methods()
        laws.check_tokens()
        laws.check_callers()
        laws.check_bodies()
    return len(dispatch.router.routes)


def check_rates(dispatch: Dispatch, tokens: LawTokens | Callable[[], LawTokens], *, last: frozenset[str] = frozenset()) -> int:
    """As `check_laws`: the second request within the limit `ONCE` is one too many.

    `tokens` may be made anew for each endpoint; `last` are paths after which a token is none any more, so that there is no second request.
    """
    checked = 0
    for route in dispatch.router.routes:
        if route.declaration.rate is not Rate.NONE and route.declaration.path not in last:
            given = tokens if isinstance(tokens, LawTokens) else tokens()
            checked += _Laws(dispatch, route.declaration, given).check_rate()
    return checked


class _Laws:
    def __init__(self, dispatch: Dispatch, declaration: Declaration, tokens: LawTokens) -> None:
        self.dispatch = dispatch
        self.declaration = declaration
        self.tokens = tokens
        self.path = sample_path(declaration)
        self.asks = declaration.access not in (Access.NONE, Access.OPTIONAL, Access.REGISTERING, Access.PEER)

    def call(self, token: str | None, body: bytes = b"{}", method: str | None = None) -> Reply:
        return run(Client(self.dispatch, token).call(method or self.declaration.method, self.path, body))

    def expect(self, reply: Reply, status: int, errcode: str) -> None:
        answer = orjson.loads(reply.body)
        where = f"{self.declaration.method} {self.declaration.path}: {reply.status} {answer}"
        assert reply.status == status, where
        assert answer["errcode"] == errcode, where
        assert isinstance(answer["error"], str), where

    def check_methods(self) -> None:
        assert self.call(None, method="OPTIONS").status == 200, self.path
        refused = self.call(None, method="PROPFIND")
        self.expect(refused, 405, "M_UNRECOGNIZED")
        assert self.declaration.method in refused.headers["Allow"].split(", ")

    def check_tokens(self) -> None:
        if self.asks:
            self.expect(self.call(None), 401, "M_MISSING_TOKEN")
        if self.declaration.access not in (Access.NONE, Access.PEER):
            self.expect(self.call("nobody's"), 401, "M_UNKNOWN_TOKEN")

    def check_callers(self) -> None:
        access, tokens = self.declaration.access, self.tokens
        if not self.asks:
            return
        if tokens.locked is not None and access is not Access.LOCKED:
            locked = self.call(tokens.locked)
            self.expect(locked, 401, "M_USER_LOCKED")
            assert orjson.loads(locked.body)["soft_logout"] is True
        if tokens.guest is not None and access is Access.USER:
            self.expect(self.call(tokens.guest), 403, "M_GUEST_ACCESS_FORBIDDEN")
        if access in (Access.ADMIN, Access.APPSERVICE):
            self.expect(self.call(tokens.user), 403, "M_FORBIDDEN")

    def check_bodies(self) -> None:
        body = self.declaration.body
        if not self.can_call or body in (Body.NONE, Body.STREAM):
            return
        for data in NOT_JSON:
            self.expect(self.call(self.token, data), 400, "M_NOT_JSON")
        for data in BAD_JSON:
            self.expect(self.call(self.token, data), 400, "M_BAD_JSON")
        if body is Body.OBJECT or (isinstance(body, Schema) and not body.optional):
            self.expect(self.call(self.token, b""), 400, "M_NOT_JSON")

    def check_rate(self) -> bool:
        if not self.can_call:
            return False
        client = Client(self.dispatch, self.token)
        start(client.call(self.declaration.method, self.path, b"nonsense")).cancel()
        second = self.call(self.token, b"nonsense")
        self.expect(second, 429, "M_LIMIT_EXCEEDED")
        assert int(second.headers["Retry-After"]) >= 1, self.path
        assert orjson.loads(second.body)["retry_after_ms"] > 0, self.path
        return True

    @property
    def token(self) -> str | None:
        """One that the endpoint lets in, where the tokens have one."""
        access, tokens = self.declaration.access, self.tokens
        return {Access.NONE: None, Access.ADMIN: tokens.admin, Access.APPSERVICE: tokens.appservice}.get(access, tokens.user)

    @property
    def can_call(self) -> bool:
        access = self.declaration.access
        return access is not Access.PEER and (access is Access.NONE or self.token is not None)
