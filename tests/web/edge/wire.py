"""A connection without a network: bytes in by hand, bytes out into a list, time by a fake clock."""

import asyncio
from dataclasses import dataclass
from typing import Any

import httptools
from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred

from homeserver.logs import current_request
from homeserver.web.dispatch import Dispatch
from homeserver.web.endpoint import Access, Answer, Body, Caller, Rate, Reply, endpoint
from homeserver.web.http_protocol import HttpProtocol
from homeserver.web.metrics import Metrics
from homeserver.web.rate_limit import TrustedProxies
from homeserver.web.request import Request
from homeserver.web.wire.edge import Edge
from homeserver.web.wire.limits import WireLimits
from tests.support.client import dispatch_for
from tests.support.clock import FakeClock

HOST = b"Host: a\r\n"
BEARER = b"Authorization: Bearer alice\r\n"


class FakeTransport(asyncio.Transport):
    """Counts what the protocol does to it; as asyncio does, it says `connection_lost` once it is closed and empty."""

    def __init__(self, peer: str = "192.0.2.1", tls: bool = False) -> None:
        super().__init__({"peername": (peer, 1), "sslcontext": object() if tls else None})
        self.protocol: HttpProtocol | None = None
        self.writes: list[bytes] = []
        self.paused = False
        self.closed = False
        self.aborted = False
        self.ended = False
        self.waiting = 0  # bytes the client has not taken
        self._lost = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.ended, "written after write_eof"
        self.writes.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def pause_reading(self) -> None:
        assert not self.paused
        self.paused = True

    def resume_reading(self) -> None:
        assert self.paused
        self.paused = False

    def is_closing(self) -> bool:
        return self.closed

    def is_paused(self) -> bool:
        return self.paused

    def can_write_eof(self) -> bool:
        return self.get_extra_info("sslcontext") is None

    def write_eof(self) -> None:
        self.ended = True

    def close(self) -> None:
        self.closed = True
        if not self.waiting:
            self._lose()

    def abort(self) -> None:
        self.closed = self.aborted = True
        self._lose()

    def _lose(self) -> None:
        if not self._lost:
            self._lost = True
            assert self.protocol is not None
            self.protocol.connection_lost(None)


@dataclass
class Answered:
    status: int
    headers: dict[str, str]
    body: bytes


class _Answers:
    """Collects answers from bytes, by the parser of the other side."""

    def __init__(self, heads: list[bool]) -> None:
        self.found: list[Answered] = []
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body = b""

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode().lower()] = value.decode()

    def on_body(self, data: bytes) -> None:
        self._body += data

    def on_message_complete(self) -> None:
        self.found.append(Answered(self._parser.get_status_code(), self._headers, self._body))
        self._headers, self._body = {}, b""


class Wire:
    """One connection to a Dispatch."""

    def __init__(
        self, dispatch: Dispatch, clock: FakeClock, *, limits: WireLimits | None = None, edge: Edge | None = None, tls: bool = False
    ) -> None:
        self.clock = clock
        self.edge = edge or make_edge(dispatch, clock, limits)
        self.protocol = HttpProtocol(self.edge)
        self.transport = FakeTransport(tls=tls)
        self.transport.protocol = self.protocol
        self.protocol.connection_made(self.transport)

    def send(self, data: bytes) -> None:
        """As the loop does: nothing reaches a protocol that has paused reading or lost its connection."""
        assert not self.transport.paused
        if not self.transport.closed:
            self.protocol.data_received(data)

    def request(self, line: str, body: bytes = b"", extra: bytes = b"") -> None:
        length = b"Content-Length: %d\r\n" % len(body) if body else b""
        self.send(f"{line} HTTP/1.1\r\n".encode() + HOST + length + extra + b"\r\n" + body)

    def end(self) -> None:
        """The client sends nothing more."""
        if not self.protocol.eof_received():
            self.transport.close()

    def lose(self) -> None:
        """The connection is gone."""
        self.transport._lose()

    @property
    def output(self) -> bytes:
        return b"".join(self.transport.writes)

    def answers(self) -> list[Answered]:
        parsed = _Answers([])
        parsed._parser.feed_data(self.output)
        return parsed.found

    def statuses(self) -> list[int]:
        return [answer.status for answer in self.answers()]


def make_edge(dispatch: Dispatch, clock: FakeClock, limits: WireLimits | None = None, proxies: tuple[str, ...] = ()) -> Edge:
    edge = Edge(dispatch.begin, limits or WireLimits(), clock, Metrics(CollectorRegistry()), TrustedProxies(proxies))
    edge.start()
    return edge


SMALL = WireLimits(head_bytes=2048, pipelined=4)


class Samples:
    """Endpoints of every kind."""

    def __init__(self) -> None:
        self.waiting: list[Deferred[Any]] = []
        self.ended: list[str] = []
        self.ids: list[str] = []
        self.received: list[bytes] = []
        self.wait_between = False
        self.pieces: list[bytes] = []
        self.length: int | None = None
        self.closed_streams = 0

    @endpoint("GET", "/echo/{text}", access=Access.NONE, rate=Rate.NONE, body=Body.NONE)
    async def echo(self, request: Request, text: str) -> Answer:
        return {"text": text, "ip": request.remote_ip}

    @endpoint("GET", "/try", access=Access.NONE, rate=Rate.LOGIN, body=Body.NONE)
    async def attempt(self, request: Request) -> Answer:
        return {}

    @endpoint("PUT", "/json", access=Access.NONE, rate=Rate.NONE, body=Body.OBJECT)
    async def json(self, request: Request) -> Answer:
        return {"got": request.body}

    @endpoint("PUT", "/mine", access=Access.USER, rate=Rate.NONE, body=Body.OBJECT)
    async def mine(self, request: Request) -> Answer:
        return {"size": len(request.raw_body)}

    @endpoint("GET", "/wait", access=Access.NONE, rate=Rate.SYNC, body=Body.NONE)
    @endpoint("POST", "/poll", access=Access.NONE, rate=Rate.SYNC, body=Body.NONE)
    @endpoint("POST", "/work", access=Access.NONE, rate=Rate.WRITE, body=Body.NONE)
    async def wait(self, request: Request) -> Answer:
        self.waiting.append(Deferred())
        try:
            return {"said": await self.waiting[-1]}
        finally:
            self.ended.append(request.route)
            self.ids.append(current_request.get())

    @endpoint("POST", "/upload", access=Access.USER, rate=Rate.NONE, body=Body.STREAM)
    async def upload(self, request: Request) -> Answer:
        assert request.reader is not None
        while piece := await request.reader.read():
            self.received.append(piece)
            if self.wait_between:
                self.waiting.append(Deferred())
                await self.waiting[-1]
        return {"size": sum(map(len, self.received))}

    @endpoint("GET", "/download", access=Access.NONE, rate=Rate.NONE, body=Body.NONE)
    async def download(self, request: Request) -> Answer:
        return Reply(self._produce(), content_type="text/plain", length=self.length)

    async def _produce(self) -> Any:
        try:
            for piece in self.pieces:
                if piece == b"wait":
                    self.waiting.append(Deferred())
                    await self.waiting[-1]
                elif piece == b"fail":
                    raise RuntimeError("the disk is gone")
                else:
                    yield piece
        finally:
            self.closed_streams += 1

    @endpoint("GET", "/header", access=Access.NONE, rate=Rate.NONE, body=Body.NONE)
    async def header(self, request: Request) -> Answer:
        return Reply({}, headers={"X-Name": request.required("name")})


def connect(samples: Samples, clock: FakeClock, **options: Any) -> Wire:
    """A connection to the sample endpoints, where the token `alice` is known."""
    dispatch = dispatch_for(samples, tokens={"alice": Caller("@alice:a", "D", 1)}, clock=clock)
    return Wire(dispatch, clock, **options)


def tick(clock: FakeClock, seconds: int) -> None:
    for _ in range(seconds):
        clock.advance(1)
