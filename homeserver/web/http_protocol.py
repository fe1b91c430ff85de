"""HTTP/1.1 on a connection (RFC 9110, 9112): requests in, answers out in the same order, nothing a client does without a bound.

One request runs at a time; those behind it wait in a queue, and a full queue or body pauses reading. A client that has gone frees what only
reads or waits for it at once; a write runs to its end.
"""

from asyncio import BaseTransport, Protocol, Transport
from collections import deque
from functools import partial
from typing import cast

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from homeserver.errors import InternalError, MatrixError
from homeserver.web.endpoint import Later, Reply
from homeserver.web.replies import refuse
from homeserver.web.wire.arriving import BodyBroken, BodyLost
from homeserver.web.wire.edge import Edge
from homeserver.web.wire.exchange import Exchange, refused
from homeserver.web.wire.receiving import BODY, HEAD, IDLE, Enough, Receiver, Refused
from homeserver.web.wire.running import begin
from homeserver.web.wire.streaming import stream

_BODY_FULL = 1
_QUEUE_FULL = 2
_LEAST_PROGRESS = 4096  # bytes of a body that earn it more time
_LARGE = 64 * 1024  # a body that is not copied behind its head


class HttpProtocol(Protocol):
    """One connection."""

    __slots__ = (
        "_closing",
        "_deaf",
        "_drained",
        "_draining",
        "_edge",
        "_half_closed",
        "_holds",
        "_progress",
        "_queue",
        "_receiver",
        "_running",
        "_stage",
        "_stalled_at",
        "_tls",
        "_transport",
        "deadline",
    )
    _log = Logger()
    _transport: Transport
    _receiver: Receiver

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._tls = False
        self._queue: deque[Exchange] = deque()
        self._running: Exchange | None = None
        self._holds = 0  # why reading is paused, as bits
        self._deaf = False  # nothing more is taken from this client
        self._half_closed = False  # it sends nothing more, but may still read
        self._closing = False  # the last answer has been written
        self._draining = False  # within `_next`
        self._drained: Deferred[None] | None = None  # a stream that waits until its client has taken more
        self._stalled_at = -1  # bytes not taken yet when the deadline was set; -1: the client keeps up
        self._stage = IDLE
        self._progress = 0
        self.deadline = 0

    # ---- what the loop tells

    def connection_made(self, transport: BaseTransport) -> None:
        self._transport = cast(Transport, transport)
        edge = self._edge
        peer = transport.get_extra_info("peername")
        self._tls = transport.get_extra_info("sslcontext") is not None
        address = str(peer[0]) if isinstance(peer, tuple) else ""
        self._receiver = Receiver(edge.limits, edge.proxies, address, self._take, self._hold_body, self._invite)
        if edge.joined(self):
            self._arm(edge.limits.head_seconds)
        else:
            self._deaf = True
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        try:
            progress = self._receiver.feed(data)
        except Enough:
            self._deaf = True
        except Refused as refusal:
            self._refuse(refusal)
        except Exception:
            self._log.failure("Unhandled error while reading a request")
            self._refuse(Refused(500, "Internal server error"))
        else:
            if not self._closing:
                self._set_deadline(progress, len(data))

    def eof_received(self) -> bool:
        self._deaf = True
        self._lose_body(BodyLost())
        if self._closing or (self._running is None and not self._queue) or self._tls:
            return False
        self._half_closed = True
        self._arm(self._edge.limits.linger_seconds)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._deaf = self._closing = True
        self._edge.left(self)
        self._queue.clear()
        running, self._running = self._running, None
        self._lose_body(BodyLost())
        if running is not None and running.may_be_dropped:
            running.abandon()

    def pause_writing(self) -> None:
        self.deadline = self._edge.now + self._edge.limits.stalled_seconds
        self._stalled_at = self._transport.get_write_buffer_size()

    def resume_writing(self) -> None:
        self._stalled_at = -1
        drained, self._drained = self._drained, None
        if drained is not None:
            drained.callback(None)
        elif self._closing:
            self._arm(self._edge.limits.stalled_seconds)
        elif self._running is None:
            self._next()

    # ---- what the edge tells

    def expire(self) -> None:
        """The deadline has passed."""
        if self._stalled_at >= 0:
            size = self._transport.get_write_buffer_size()
            if size >= self._stalled_at:
                self.abort()
            else:
                self.pause_writing()
        elif self._closing or self._half_closed:
            self.abort()
        elif self._receiver.stage == IDLE:
            self._close()
        elif self._receiver.arriving is not None:
            self._deaf = True
            self.deadline = 0
            self._lose_body(BodyLost())
        else:
            self._refuse(Refused(408, "The request took too long to arrive"))

    def finish(self) -> None:
        """The server stops: a long poll ends now, other requests are answered first."""
        if self._running is None and not self._queue:
            self._close()
        elif self._running is not None and self._running.request.waits:
            self._running.abandon()

    def abort(self) -> None:
        self._transport.abort()

    # ---- requests

    def _take(self, exchange: Exchange) -> None:
        if self._running is None and not self._queue and self._stalled_at < 0:
            self._serve(exchange)
            return
        self._queue.append(exchange)
        most = self._edge.limits.pipelined
        if len(self._queue) >= most:
            self._hold(_QUEUE_FULL, True)
            if len(self._queue) >= 4 * most:
                exchange.keep_alive = False
                raise Enough

    def _serve(self, exchange: Exchange) -> None:
        self._running = exchange
        if exchange.ready is not None:
            self._answer(exchange, exchange.ready)
            return
        rest = begin(self._edge.serve(exchange.request), partial(self._answered, exchange))
        if rest is not None:
            exchange.rest = rest

    def _answered(self, exchange: Exchange, reply: Reply | Later) -> None:
        if isinstance(reply, Later):
            exchange.rest = reply
            reply.then(partial(self._answer, exchange))
        else:
            self._answer(exchange, reply)

    def _refuse(self, refusal: Refused) -> None:
        """Answer after all that was asked before, then close."""
        self._deaf = True
        self.deadline = 0
        self._lose_body(BodyBroken())
        self._edge.refused(refusal.status)
        if self._closing:
            return
        self._queue.append(refused(refusal.status, refusal.message, refusal.errcode))
        if self._running is None:
            self._next()

    def _next(self) -> None:
        """Serve those in the queue, as far as they do not wait, then wait for more."""
        if self._draining:
            return
        self._draining = True
        while self._queue and self._running is None and self._stalled_at < 0:
            exchange = self._queue.popleft()
            if len(self._queue) <= self._edge.limits.pipelined // 2:
                self._hold(_QUEUE_FULL, False)
            self._serve(exchange)
        self._draining = False
        if self._queue or self._running is not None or self._stalled_at >= 0:
            return
        if self._deaf:
            self._close()
        elif self._receiver.stage == IDLE:
            self._arm(self._edge.limits.idle_seconds)

    # ---- answers

    def _answer(self, exchange: Exchange, reply: Reply) -> None:
        exchange.rest = None
        if self._running is not exchange:
            return  # the client has gone
        body = exchange.body
        if body is not None and not body.complete:
            exchange.keep_alive = False
            body.drop()
        keep_alive = exchange.keep_alive = exchange.keep_alive and not self._edge.stopping
        head_only = exchange.request.method == "HEAD"
        heads = self._edge.heads
        try:
            if type(reply.body) is bytes:
                if len(reply.body) < _LARGE or head_only:
                    self._transport.write(heads.whole(reply, keep_alive=keep_alive, head_only=head_only))
                else:
                    reply.length = len(reply.body)
                    self._transport.write(heads.streamed(reply, keep_alive=keep_alive, chunked=False))
                    self._transport.write(reply.body)
            elif head_only:
                reply.body = b""
                self._transport.write(heads.streamed(reply, keep_alive=keep_alive, chunked=exchange.chunked))
            else:
                self._stream(exchange, reply)
                return
        except ValueError:
            self._log.failure("The answer to request {request_id} has no outer form", request_id=exchange.request.request_id)
            self._transport.write(heads.whole(refuse(InternalError()), keep_alive=keep_alive, head_only=head_only))
        self._after(exchange)

    def _stream(self, exchange: Exchange, reply: Reply) -> None:
        exchange.streaming = True
        if reply.length is None and not exchange.chunked:
            exchange.keep_alive = False  # the end of the connection is the end of the body
        self._transport.write(self._edge.heads.streamed(reply, keep_alive=exchange.keep_alive, chunked=exchange.chunked))

        def sent(whole: bool) -> None:
            if self._running is exchange:
                if whole:
                    self._after(exchange)
                else:
                    self.abort()

        exchange.rest = begin(stream(reply.body, reply.length, exchange, self._send), sent)

    async def _send(self, data: bytes) -> None:
        if self._transport.is_closing():
            raise ConnectionResetError
        self._transport.write(data)
        if self._stalled_at >= 0:
            self._drained = Deferred()
            await self._drained

    def _after(self, exchange: Exchange) -> None:
        self._running = None
        if exchange.keep_alive:
            self._next()
        else:
            self._close()

    def _close(self) -> None:
        """End the connection; a client that may still be sending is given time to read the answer before it is cut off."""
        if self._closing:
            return
        self._deaf = self._closing = True
        self._queue.clear()
        transport = self._transport
        limits = self._edge.limits
        if self._receiver.stage == IDLE or self._half_closed or not transport.can_write_eof():
            self._arm(limits.stalled_seconds)
            transport.close()
            return
        self._hold(self._holds, False)
        self._arm(limits.linger_seconds)
        transport.write_eof()

    # ---- bounds

    def _arm(self, seconds: int) -> None:
        """Set the deadline, unless a stalled answer has set its own."""
        if self._stalled_at < 0:
            self.deadline = self._edge.now + seconds

    def _set_deadline(self, progress: bool, count: int) -> None:
        stage = self._receiver.stage
        limits = self._edge.limits
        if stage == IDLE:
            if self._running is None:
                self._arm(limits.idle_seconds)
            elif self._stalled_at < 0:
                self.deadline = 0
        elif stage == HEAD:
            if progress or self._stage != HEAD:
                self._arm(limits.head_seconds)
        else:
            self._progress += count
            if self._stage != BODY or self._progress >= _LEAST_PROGRESS:
                self._progress = 0
                self._arm(limits.body_seconds)
        self._stage = stage

    def _hold_body(self, hold: bool) -> None:
        self._hold(_BODY_FULL, hold)
        if hold:
            self.deadline = 0
        else:
            self._arm(self._edge.limits.body_seconds)

    def _hold(self, reason: int, hold: bool) -> None:
        before = self._holds
        self._holds = before | reason if hold else before & ~reason
        if bool(before) != bool(self._holds) and not self._transport.is_closing():
            if self._holds:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def _invite(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _lose_body(self, reason: MatrixError) -> None:
        """What has not arrived will not arrive."""
        arriving = self._receiver.arriving
        if arriving is not None:
            arriving.lose(reason)
