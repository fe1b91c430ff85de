"""Where the homeserver brings its transactions (application-service API, "Pushing events"), and where metrics are read."""

import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import unquote

import orjson
from twisted.internet.defer import Deferred
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

_log = logging.getLogger(__name__)
_PREFIX: Final = ("_matrix", "app", "v1")

Take = Callable[[str, dict[str, Any]], Awaitable[None]]


class Door(Resource):
    """A 200 leaves only when `take` has written down what there is to do."""

    isLeaf = True

    def __init__(self, hs_token: str, take: Take, metrics: Callable[[], bytes]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._token = hs_token.encode()
        self._take = take
        self._metrics = metrics

    def render(self, request: Any) -> Any:
        path = tuple(unquote(part) for part in request.path.decode("ascii", "replace").split("/")[1:])
        method = request.method.decode("ascii", "replace")
        if (method, path) == ("GET", ("health",)):
            return b"OK"
        if (method, path) == ("GET", ("metrics",)):
            request.setHeader("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            return self._metrics()
        if path[:3] == ("_matrix", "app", "unstable"):
            path = (*_PREFIX, *path[3:])
        if path[:3] != _PREFIX:
            return _answer(request, 404, {"errcode": "M_UNRECOGNIZED", "error": "there is nothing here"})
        if not self._is_the_server(request):
            return _answer(request, 403, {"errcode": "M_FORBIDDEN", "error": "wrong token"})
        return self._serve(request, method, path[3:])

    def _is_the_server(self, request: Request) -> bool:
        header = request.getHeader(b"authorization") or b""
        return hmac.compare_digest(header.removeprefix(b"Bearer "), self._token)

    def _serve(self, request: Request, method: str, path: tuple[str, ...]) -> Any:
        match method, path:
            case "PUT", ("transactions", txn) if txn:
                return self._transaction(request, txn)
            case "POST", ("ping",):
                return _answer(request, 200, {})
            case "GET", ("users" | "rooms", _):
                return _answer(request, 404, {"errcode": "M_NOT_FOUND", "error": "nobody of that name"})
        return _answer(request, 404, {"errcode": "M_UNRECOGNIZED", "error": "there is nothing here"})

    def _transaction(self, request: Request, txn: str) -> Any:
        try:
            content: Any = request.content
            body = orjson.loads(content.read())
        except orjson.JSONDecodeError:
            return _answer(request, 400, {"errcode": "M_NOT_JSON", "error": "not JSON"})
        if not isinstance(body, dict) or not isinstance(body.get("events"), list):
            return _answer(request, 400, {"errcode": "M_BAD_JSON", "error": "no events"})
        Deferred.fromCoroutine(self._take_in(request, txn, body))
        return NOT_DONE_YET

    async def _take_in(self, request: Request, txn: str, body: dict[str, Any]) -> None:
        try:
            await self._take(txn, body)
        except Exception:  # at the edge: the server is told, and brings it again
            _log.exception("transaction could not be taken in")
            data = _answer(request, 500, {"errcode": "M_UNKNOWN", "error": "could not be taken in"})
        else:
            data = _answer(request, 200, {})
        if request.channel is not None:
            request.write(data)
            request.finish()


def _answer(request: Request, status: int, body: dict[str, Any]) -> bytes:
    request.setResponseCode(status)
    request.setHeader("Content-Type", "application/json")
    return orjson.dumps(body)


def make_site(door: Door, reactor: Any) -> Site:
    site = Site(door, reactor=reactor)
    site.displayTracebacks = False
    site.noisy = False
    return site
