"""Where the homeserver brings its transactions (application-service API, "Pushing events"), and where metrics are read; whatever carries the bytes."""

import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

import orjson

_log = logging.getLogger(__name__)
_PREFIX: Final = ("_matrix", "app", "v1")
_JSON: Final = "application/json"

Take = Callable[[str, dict[str, Any]], Awaitable[None]]


class Said(NamedTuple):
    status: int
    body: bytes
    kind: str = _JSON


class Door:
    """A 200 leaves only when `take` has written down what there is to do."""

    def __init__(self, hs_token: str, take: Take, metrics: Callable[[], bytes]) -> None:
        self._token = hs_token.encode()
        self._take = take
        self._metrics = metrics
        self._is_closed = False

    def close(self) -> None:
        """What comes from now on is not taken; the homeserver brings it to the next life."""
        self._is_closed = True

    async def answer(self, method: str, path: str, authorization: str, body: bytes) -> Said:
        """`path` without its query."""
        parts = tuple(unquote(part) for part in path.split("/")[1:])
        if (method, parts) == ("GET", ("health",)):
            return Said(200, b"OK", "text/plain")
        if (method, parts) == ("GET", ("metrics",)):
            return Said(200, self._metrics(), "text/plain; version=0.0.4; charset=utf-8")
        if parts[:3] == ("_matrix", "app", "unstable"):
            parts = (*_PREFIX, *parts[3:])
        if parts[:3] != _PREFIX:
            return _no(404, "M_UNRECOGNIZED", "there is nothing here")
        if not hmac.compare_digest(authorization.removeprefix("Bearer ").encode(), self._token):
            return _no(403, "M_FORBIDDEN", "wrong token")
        return await self._serve(method, parts[3:], body)

    async def _serve(self, method: str, path: tuple[str, ...], body: bytes) -> Said:
        match method, path:
            case "PUT", ("transactions", txn) if txn:
                return await self._transaction(txn, body)
            case "POST", ("ping",):
                return Said(200, b"{}")
            case "GET", ("users" | "rooms", _):
                return _no(404, "M_NOT_FOUND", "nobody of that name")
        return _no(404, "M_UNRECOGNIZED", "there is nothing here")

    async def _transaction(self, txn: str, body: bytes) -> Said:
        try:
            found: Any = orjson.loads(body)
        except orjson.JSONDecodeError:
            return _no(400, "M_NOT_JSON", "not JSON")
        if not isinstance(found, dict) or not isinstance(found.get("events"), list):
            return _no(400, "M_BAD_JSON", "no events")
        if self._is_closed:
            return _no(503, "M_UNKNOWN", "not here any more")
        try:
            await self._take(txn, found)
        except Exception:  # at the edge: the server is told, and brings it again
            _log.exception("transaction could not be taken in")
            return _no(500, "M_UNKNOWN", "could not be taken in")
        return Said(200, b"{}")


def _no(status: int, errcode: str, error: str) -> Said:
    return Said(status, orjson.dumps({"errcode": errcode, "error": error}))
