"""A client that calls `Dispatch.serve` without sockets, and whatever else a Dispatch for a test needs."""

from collections.abc import Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import urlencode

import orjson
from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from config.rate_limits import RateLimits
from homeserver.clock import Chance, Clock
from homeserver.errors import Forbidden
from homeserver.logs import AccessLog
from homeserver.web.access import Entry, Peers, Tokens
from homeserver.web.body import BodyLimits
from homeserver.web.dispatch import Dispatch
from homeserver.web.endpoint import Caller, Reply
from homeserver.web.metrics import Metrics
from homeserver.web.rate_limit import RateLimiter
from homeserver.web.request import Request
from homeserver.web.router import Router
from homeserver.web.validation import Validation
from tests.support.clock import FakeClock, SeededChance

T = TypeVar("T")
NO_LIMITS = RateLimits(enabled=False)
NORMAL_BODIES = BodyLimits()


class FixedTokens:
    """Tokens from a dict, all known without waiting. An application service may act as any user whose name starts with its ID."""

    def __init__(self, callers: Mapping[str, Caller]) -> None:
        self.callers = dict(callers)

    def cached(self, token: str) -> Caller | None:
        return self.callers.get(token)

    async def find(self, token: str) -> Caller | None:
        return self.callers.get(token)

    async def refreshed(self, user_id: str, device_id: str) -> Caller | None:
        return None

    async def find_asserted(self, service: Caller, user_id: str | None, device_id: str | None) -> Caller:
        user_id = user_id or service.user_id
        if not user_id.startswith(f"@{service.appservice}"):
            raise Forbidden("Not in your namespaces")
        return Caller(user_id, device_id, 0, appservice=service.appservice)


def dispatch_for(
    *chapters: object,
    tokens: Tokens | Mapping[str, Caller] = MappingProxyType({}),
    peers: Peers | None = None,
    limits: RateLimits = NO_LIMITS,
    body_limits: BodyLimits = NORMAL_BODIES,
    clock: Clock | None = None,
    chance: Chance | None = None,
    access_log: AccessLog | None = None,
    seen: Callable[[Request], None] | None = None,
    metrics: Metrics | None = None,
) -> Dispatch:
    """A Dispatch of these chapter objects; without rate limits unless some are given."""
    clock = clock or FakeClock()
    entry = Entry(FixedTokens(tokens) if isinstance(tokens, Mapping) else tokens, peers)
    metrics = metrics or Metrics(CollectorRegistry())
    limiter = RateLimiter(limits, clock)
    return Dispatch(
        Router(chapters),
        entry,
        limiter,
        Validation(),
        metrics,
        clock,
        chance or SeededChance(),
        limits=body_limits,
        access_log=access_log,
        seen=seen,
    )


class Client:
    """`status, json = await client.put("/_matrix/…", {"a": 1})`. Bytes go as they are; query parameters by `query={...}`."""

    def __init__(self, dispatch: Dispatch, token: str | None = None, *, remote_ip: str = "192.0.2.1") -> None:
        self.dispatch = dispatch
        self.token = token
        self.remote_ip = remote_ip
        self.headers: dict[str, str] = {}

    def with_token(self, token: str | None) -> "Client":
        return Client(self.dispatch, token, remote_ip=self.remote_ip)

    def make(
        self, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Request:
        """The request as the wire would deliver it; `path` must be percent-encoded and may carry a query of its own."""
        plain, _, text = path.partition("?")
        if query:
            pairs = {
                name: ("true" if value else "false") if isinstance(value, bool) else value
                for name, value in query.items()
                if value is not None
            }
            text = "&".join(filter(None, (text, urlencode(pairs, doseq=True))))
        raw = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        sent = {**self.headers, **(headers or {})}
        if self.token is not None:
            sent.setdefault("authorization", f"Bearer {self.token}")
        return Request(method, plain, text, sent, raw, self.remote_ip)

    async def call(
        self, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """The whole answer; a streamed body is collected."""
        reply = await self.dispatch.serve(self.make(method, path, body, query, headers))
        if not isinstance(reply.body, bytes):
            reply.body = b"".join([piece async for piece in reply.body])
        return reply

    async def json(
        self, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None, **headers: str
    ) -> tuple[int, Any]:
        reply = await self.call(method, path, body, query, headers)
        return reply.status, orjson.loads(reply.body) if reply.body else None

    async def get(self, path: str, query: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        return await self.json("GET", path, None, query)

    async def put(self, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        return await self.json("PUT", path, {} if body is None else body, query)

    async def post(self, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        return await self.json("POST", path, {} if body is None else body, query)

    async def delete(self, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        return await self.json("DELETE", path, body, query)


def start(coroutine: Coroutine[Deferred[Any], Any, T]) -> Deferred[T]:
    """Run until it waits; the Deferred fires when it is done."""
    return Deferred.fromCoroutine(coroutine)


def run(coroutine: Coroutine[Deferred[Any], Any, T], clock: FakeClock | None = None, seconds: float = 60.0) -> T:
    """The result of a coroutine that needs no reactor; with a clock, time passes in small steps until it is done."""
    results: list[Any] = []
    start(coroutine).addBoth(results.append)
    while not results and clock is not None and seconds > 0:
        clock.advance(0.05)
        seconds -= 0.05
    if not results:
        raise AssertionError("the coroutine is still waiting")
    if isinstance(results[0], Failure):
        results[0].raiseException()
    result: T = results[0]
    return result
