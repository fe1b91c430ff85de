"""A request on a connection, with what its answer must know about it."""

from typing import Any

import orjson

from homeserver.web.endpoint import Later, Reply
from homeserver.web.request import Request
from homeserver.web.wire.arriving import ArrivingBody
from homeserver.web.wire.running import Rest


class Exchange:
    __slots__ = ("body", "chunked", "keep_alive", "ready", "request", "rest", "streaming")

    def __init__(self, request: Request, body: ArrivingBody | None, *, keep_alive: bool, chunked: bool) -> None:
        self.request = request
        self.body = body  # None when it was collected before
        self.keep_alive = keep_alive
        self.chunked = chunked  # whether the client knows chunked answers
        self.ready: Reply | None = None  # an answer of the wire itself; the request is not served
        self.streaming = False  # its answer goes out piece by piece
        self.rest: Rest[Any] | Later | None = None  # what is still running for it

    @property
    def may_be_dropped(self) -> bool:
        """Whether work for it can stop anywhere when its client goes: it only reads, waits or is being answered."""
        return self.streaming or self.request.waits or self.request.method in ("GET", "HEAD")

    @property
    def has_body(self) -> bool:
        return self.body is not None or self.request.headers.get("content-length", "").strip("0") != ""

    def abandon(self) -> None:
        self.request.abandoned = True
        if self.rest is not None:
            self.rest.cancel()


def refused(status: int, message: str, errcode: str = "M_UNKNOWN") -> Exchange:
    """In place of a request that cannot be read; the connection ends with its answer."""
    exchange = Exchange(Request("", "", "", {}, b"", ""), None, keep_alive=False, chunked=False)
    exchange.ready = Reply(orjson.dumps({"errcode": errcode, "error": message}), status)
    return exchange
