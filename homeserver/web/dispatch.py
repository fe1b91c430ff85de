"""One request from its route to its answer: match, caller, rate, body, call. The only place that catches."""

from collections.abc import Callable, Iterable
from functools import partial

from twisted.internet.defer import CancelledError

from homeserver.clock import Chance, Clock
from homeserver.errors import MethodNotAllowed, TooLarge, Unavailable
from homeserver.logs import AccessLog, current_request
from homeserver.web.access import CONDITIONS, Entry
from homeserver.web.body import BodyLimits, ReadyBody, read_all
from homeserver.web.endpoint import Access, Body, Later, Rate, Reply
from homeserver.web.metrics import Measure, Metrics
from homeserver.web.rate_limit import RateLimiter
from homeserver.web.replies import Replies, encode, refuse
from homeserver.web.request import Request
from homeserver.web.router import Route, Router
from homeserver.web.validation import Validation

_NO_PARAMETERS: dict[str, str] = {}
_PREFLIGHT = {"Access-Control-Max-Age": "86400"}


class Served:
    """A route with all that is known about it before the first request."""

    __slots__ = ("access", "body_limit", "bucket", "call", "condition", "measure", "parameters", "parse", "path", "streams", "waits")

    def __init__(self, route: Route, limits: BodyLimits, limiter: RateLimiter, validation: Validation, metrics: Metrics) -> None:
        declaration = route.declaration
        self.access = declaration.access
        self.condition = CONDITIONS.get(declaration.access)
        self.path = declaration.path
        self.call = route.call
        self.parameters = route.parameters
        self.bucket = limiter.bucket(declaration.rate)
        self.parse = validation.parser(declaration.body, of_peer=declaration.access is Access.PEER)
        self.streams = declaration.body is Body.STREAM
        self.waits = declaration.rate is Rate.SYNC
        self.body_limit = limits.of(declaration.access, self.streams)
        self.measure = metrics.measure(declaration.method, declaration.path)


class Dispatch:
    """Serves the endpoints of a router."""

    def __init__(
        self,
        router: Router,
        entry: Entry,
        limiter: RateLimiter,
        validation: Validation,
        metrics: Metrics,
        clock: Clock,
        chance: Chance,
        *,
        limits: BodyLimits,
        access_log: AccessLog | None = None,
        seen: Callable[[Request], None] | None = None,
    ) -> None:
        self.router = router
        self.clock = clock
        self._entry = entry
        self._limiter = limiter
        self._metrics = metrics
        self._replies = Replies()
        self._access_log = access_log
        self._seen = seen  # told of every request that came with a token
        self._prefix = chance.token(4) + "-"
        self._count = 0
        self._unmatched = metrics.measure("", "(none)")
        self._served = {route: Served(route, limits, limiter, validation, metrics) for route in router.routes}
        peers = [route.declaration.path for route in router.routes if route.declaration.access is Access.PEER]
        if peers and not entry.takes_peers:
            raise ValueError(f"{peers[0]} is for other servers, but nothing checks their signatures")

    async def serve(self, request: Request) -> Reply:
        """The answer, with its body as bytes or as a stream of them; never raises an Exception."""
        reply = await self.begin(request)
        return await reply.reply() if isinstance(reply, Later) else reply

    async def begin(self, request: Request) -> Reply | Later:
        """As `serve`, for who can be told later."""
        clock = self.clock
        started = clock.monotonic()
        request.received_ms = clock.now_ms()
        self._count += 1
        request.request_id = request_id = self._prefix + str(self._count)
        current_request.set(request_id)
        measure = self._unmatched
        reply: Reply | Later
        self._metrics.running += 1
        try:
            node, segments = self.router.find(request.path)
            route = node.routes.get(request.method)
            if route is None:
                reply = self._without_route(request, node.allowed())
            else:
                served = self._served[route]
                measure = served.measure
                reply = await self._answer(request, served, segments)
        except Exception as error:
            reply = self._for_error(error, request)
        finally:
            current_request.set("")
        if isinstance(reply, Later):
            reply.end_with(partial(self._end_later, request, measure, started))
            return reply
        return self._end(request, measure, started, reply)

    def _end_later(self, request: Request, measure: Measure, started: float, answer: bytes | Exception) -> Reply:
        if isinstance(answer, bytes):
            return self._end(request, measure, started, Reply(answer))
        current_request.set(request.request_id)
        try:
            raise answer
        except Exception as error:
            reply = self._for_error(error, request)
        finally:
            del answer  # its traceback leads here
            current_request.set("")
        return self._end(request, measure, started, reply)

    def _end(self, request: Request, measure: Measure, started: float, reply: Reply) -> Reply:
        self._metrics.running -= 1
        seconds = self.clock.monotonic() - started
        measure.observe(reply.status, seconds)
        if self._access_log is not None:
            self._log_access(self._access_log, request, reply.status, seconds)
        return reply

    def _log_access(self, log: AccessLog, request: Request, status: int, seconds: float) -> None:
        caller = request.caller
        source = caller.user_id if caller is not None else request.peer or request.remote_ip
        target = f"{request.method} {request.path}?{request.query_text}" if request.query_text else f"{request.method} {request.path}"
        log.write(request.received_ms, request.request_id, source, target, status, seconds)

    def _for_error(self, error: Exception, request: Request) -> Reply:
        if request.method == "OPTIONS":
            return Reply(b"{}", headers=_PREFLIGHT)
        if request.abandoned and isinstance(error, CancelledError):
            return refuse(Unavailable("The server is stopping", retry_after_ms=1000))
        return self._replies.for_error(error, request.request_id, request.route)

    def _without_route(self, request: Request, allowed: str) -> Reply:
        if request.method == "OPTIONS":
            return Reply(b"{}", headers={"Allow": allowed, **_PREFLIGHT})
        reply = refuse(MethodNotAllowed())
        reply.headers = {"Allow": allowed}
        return reply

    async def _answer(self, request: Request, served: Served, segments: list[str]) -> Reply | Later:
        request.route = served.path
        request.waits = served.waits
        parameters = _NO_PARAMETERS
        if served.parameters:
            parameters = {parameter.name: parameter.value(segments[parameter.index]) for parameter in served.parameters}
        access = served.access
        if served.condition is not None:
            request.caller = self._entry.known(request, access, served.condition) or await self._entry.find(request, access)
            if served.waits:
                request.recheck = partial(self._entry.recheck, request, access)
            if self._seen is not None and request.caller is not None:
                self._seen(request)
        request.limiter = self._limiter
        if served.bucket is not None:
            self._limiter.take(served.bucket, request.caller, request.remote_ip)
        if served.streams:
            self._open_stream(request, served.body_limit)
        elif served.parse is not None or access is Access.PEER:
            await self._read_body(request, served)
            if request.peer is not None and "room_id" in parameters:
                await self._entry.admit(request.peer, parameters["room_id"])
        answer = await served.call(request, **parameters)
        return answer if isinstance(answer, Later) else encode(answer)

    async def _read_body(self, request: Request, served: Served) -> None:
        if request.reader is not None:
            request.raw_body = await read_all(request.reader, served.body_limit)
        elif len(request.raw_body) > served.body_limit:
            raise TooLarge
        if served.access is Access.PEER:
            request.peer = await self._entry.peer(request)
        if served.parse is not None:
            request.body = served.parse(request.raw_body)

    def _open_stream(self, request: Request, limit: int) -> None:
        if request.reader is None:
            request.reader = ReadyBody(request.raw_body)
        request.reader.limit = limit
        if request.reader.declared is not None and request.reader.declared > limit:
            raise TooLarge


def served_paths(dispatch: Dispatch) -> Iterable[tuple[str, str]]:
    """Method and path of every endpoint, as declared: the list that documentation and specification are held against."""
    return sorted((route.declaration.method, route.declaration.path) for route in dispatch.router.routes)
