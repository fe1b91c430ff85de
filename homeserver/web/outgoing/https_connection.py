"""One TLS connection to another server, one request at a time: HTTP/1.1 as a client (RFC 9112), on the loop under Twisted's reactor.

The body of an answer is read piece by piece; what nobody reads yet is not let in. The parser is httptools, TLS is the loop's.
"""

from asyncio import BaseTransport, Protocol, Transport
from collections.abc import Callable
from typing import Final, cast

import httptools
from twisted.internet.defer import Deferred

MOST_HEAD_BYTES: Final = 65_536
MOST_WAITING_BYTES: Final = 262_144  # of a body nobody has read yet


class ConnectionFailed(Exception):
    """The message says why, for the log."""


class NotSent(ConnectionFailed):
    """A connection that had been kept was closed by the other side before anything came back: the request may go again on a new one."""


class Response:
    """An answer whose body is still arriving; headers have lower-case names, those that repeat are joined by commas."""

    def __init__(self, connection: "HttpsConnection", status: int, headers: dict[str, str]) -> None:
        self._connection = connection
        self.status = status
        self.headers = headers

    async def read(self) -> bytes:
        """The next piece, b"" at the end; raises ConnectionFailed when it is cut off."""
        return await self._connection.read()

    def abort(self) -> None:
        """Close the connection, unless the body has been read to its end."""
        self._connection.abandon()


class HttpsConnection(Protocol):
    """`freed` is called whenever it may take another request."""

    def __init__(self, freed: Callable[["HttpsConnection"], None]) -> None:
        self._freed = freed
        self._transport: Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._head: Deferred[Response] | None = None
        self._wanted: Deferred[bytes] | None = None
        self._headers: dict[str, str] = {}
        self._pieces: list[bytes] = []
        self._waiting = 0
        self._left = MOST_HEAD_BYTES  # of names and values
        self._before_body = 0  # bytes that came until the head was whole
        self._open_ended = self._keeps = False
        self._in_body = False
        self._complete = True
        self._problem: ConnectionFailed | None = None
        self._answered = 0  # requests that have been answered
        self._heard = False  # anything of the answer under way
        self._paused = False
        self.busy = False
        self.idle_since = 0.0

    @property
    def usable(self) -> bool:
        """Open, and nobody's."""
        return self._transport is not None and not self._transport.is_closing() and not self.busy

    async def send(self, data: bytes) -> Response:
        """Raises ConnectionFailed. Cancelling it closes the connection."""
        if self._transport is None:
            raise NotSent("the connection was closed")
        self.busy = True
        self._parser = httptools.HttpResponseParser(self)
        self._headers, self._pieces, self._waiting = {}, [], 0
        self._left, self._before_body = MOST_HEAD_BYTES, 0
        self._in_body = self._complete = self._heard = self._open_ended = self._keeps = False
        self._head = Deferred(lambda _: self.close())
        self._transport.write(data)
        return await self._head

    async def read(self) -> bytes:
        if self._pieces:
            data = b"".join(self._pieces)
            self._pieces, self._waiting = [], 0
            self._resume()
            return data
        if self._problem is not None and not self._complete:
            raise self._problem
        if self._complete:
            self._release()
            return b""
        self._wanted = Deferred(lambda _: self.close())
        return await self._wanted

    def abandon(self) -> None:
        if self.busy and not (self._complete and not self._pieces):
            self.close()
        else:
            self._release()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _release(self) -> None:
        if not self.busy:
            return
        self.busy = False
        self._answered += 1
        self._parser = None
        if self._transport is None or not self._keeps:
            self.close()
        else:
            self._freed(self)

    def _end_reading(self) -> None:
        """After the parser has returned: whoever gets the connection next must not find it in the middle of something."""
        if self._complete and self._wanted is not None:
            wanted, self._wanted = self._wanted, None
            self._release()
            wanted.callback(b"")

    def _resume(self) -> None:
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    # ---------------------------------------------------------------- from the loop

    def connection_made(self, transport: BaseTransport) -> None:
        self._transport = cast("Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._parser is None:
            self.close()  # nobody asked
            return
        self._heard = True
        if not self._in_body:
            self._before_body += len(data)
            if self._before_body > MOST_HEAD_BYTES + MOST_WAITING_BYTES:
                self._fail(ConnectionFailed("the head of the answer is too large"))
                return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(ConnectionFailed(f"the answer is no HTTP: {error}"))
        except httptools.HttpParserUpgrade:
            self._fail(ConnectionFailed("the answer changes the protocol"))
        else:
            self._end_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._in_body and self._open_ended and not self._complete and exc is None:
            self._complete = True
            self._end_reading()
        elif self.busy and not self._complete:
            kept = self._answered > 0 and not self._heard
            self._fail(NotSent("closed while idle") if kept else ConnectionFailed(f"the connection was lost: {exc or 'closed'}"))

    def _fail(self, problem: ConnectionFailed) -> None:
        self._problem = problem
        self.close()
        for waiting in (self._head, self._wanted):
            if waiting is not None and not waiting.called:
                waiting.errback(problem)
        self._head = self._wanted = None

    # ---------------------------------------------------------------- from the parser

    def on_message_begin(self) -> None:
        if self._complete:
            self._keeps = False  # more than was asked for

    def on_header(self, name: bytes, value: bytes) -> None:
        self._left -= len(name) + len(value) + 32
        if self._left < 0:
            raise httptools.HttpParserError("too many headers")
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        if self._parser is None or self._head is None:
            return
        status = int(self._parser.get_status_code())
        if status < 200:
            return  # an interim answer
        self._in_body = True
        self._keeps = bool(self._parser.should_keep_alive())
        self._open_ended = "content-length" not in self._headers and "transfer-encoding" not in self._headers and status not in (204, 304)
        head, self._head = self._head, None
        head.callback(Response(self, status, self._headers))

    def on_body(self, body: bytes) -> None:
        wanted = self._wanted
        if wanted is not None:
            self._wanted = None
            wanted.callback(body)
            return
        self._pieces.append(body)
        self._waiting += len(body)
        if self._waiting > MOST_WAITING_BYTES and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if not self._in_body:
            self._headers = {}  # of an interim answer
            return
        self._complete = True
