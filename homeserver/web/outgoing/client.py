"""Requests over http and https to addresses that strangers name (RELIABILITY: server-side request forgery). Fills `homeserver.outside.Outside`."""

from collections.abc import Coroutine
from io import BytesIO
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.task import Cooperator
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from twisted.web.client import URI, Agent, FileBodyProducer, HTTPConnectionPool, ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgentEndpointFactory, IResponse
from zope.interface import implementer

from homeserver.clock import Clock
from homeserver.outside import Fetched, Unreachable
from homeserver.version import VERSION
from homeserver.web.outgoing.addresses import PublicReactor

CONNECT_SECONDS = 5
MOST_RECEIVED = 12 * 2**20


class Client:
    """One request, one connection."""

    def __init__(self, reactor: Any, clock: Clock, *, private_addresses: bool) -> None:
        resolving = reactor if private_addresses else PublicReactor(reactor)
        pool = HTTPConnectionPool(reactor, persistent=False)
        self._agent = Agent.usingEndpointFactory(reactor, _Endpoints(resolving), pool)
        self._clock = clock
        self._cooperator = Cooperator(scheduler=lambda work: clock.call_later(0, work))

    async def get(self, url: str, *, accept: str, most_bytes: int, seconds: float) -> Fetched:
        return await self._in_time(self._ask(b"GET", url, {b"Accept": [accept.encode()]}, None, most_bytes), seconds)

    async def post(self, url: str, body: bytes, *, most_bytes: int, seconds: float) -> Fetched:
        headers = {b"Accept": [b"application/json"], b"Content-Type": [b"application/json"]}
        return await self._in_time(self._ask(b"POST", url, headers, FileBodyProducer(BytesIO(body), self._cooperator), most_bytes), seconds)

    async def _in_time(self, asking: Coroutine[Deferred[Any], Any, Fetched], seconds: float) -> Fetched:
        working = Deferred.fromCoroutine(asking)
        timer = self._clock.call_later(seconds, working.cancel)
        try:
            return await working
        except Exception as error:  # refused, forbidden, too slow, no HTTP: all the same to whoever asked
            raise Unreachable from error
        finally:
            if timer.active():
                timer.cancel()

    async def _ask(
        self, method: bytes, url: str, more: dict[bytes, list[bytes]], sent: FileBodyProducer | None, most_bytes: int
    ) -> Fetched:
        headers = Headers({b"User-Agent": [f"ChatMe/{VERSION}".encode()], b"Accept-Encoding": [b"identity"], **more})
        response: IResponse = await self._agent.request(method, url.encode("ascii"), headers, sent)
        collected = _Collected(most_bytes)
        response.deliverBody(collected)
        if response.headers.hasHeader(b"Content-Encoding") and _field(response, "Content-Encoding") != "identity":
            collected.stop()
            raise Unreachable
        body = await collected.done
        return Fetched(response.code, _field(response, "Content-Type") or "", _field(response, "Location"), body, not collected.cut)


def _field(response: IResponse, name: str) -> str | None:
    values = response.headers.getRawHeaders(name)
    return None if not values else str(values[0])


class _Counted(ProtocolWrapper):
    """A connection that ends when more comes than any answer may have, be it headers without end."""

    _received = 0

    def dataReceived(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > MOST_RECEIVED:
            self.transport.abortConnection()  # type: ignore[union-attr]  # of a connected protocol
        else:
            self.wrappedProtocol.dataReceived(data)


class _Counting(WrappingFactory):
    protocol = _Counted
    noisy = False


@implementer(IStreamClientEndpoint)
class _CountedEndpoint:
    def __init__(self, endpoint: IStreamClientEndpoint) -> None:
        self._endpoint = endpoint

    async def _connect(self, factory: Any) -> Any:
        connected: Any = await self._endpoint.connect(_Counting(factory))  # type: ignore[no-untyped-call]
        return connected.wrappedProtocol

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        return Deferred.fromCoroutine(self._connect(protocolFactory))


@implementer(IAgentEndpointFactory)
class _Endpoints:
    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        endpoint = _CountedEndpoint(HostnameEndpoint(self._reactor, uri.host, uri.port, timeout=CONNECT_SECONDS))
        if uri.scheme == b"http":
            return endpoint
        if uri.scheme == b"https":
            return wrapClientTLS(optionsForClientTLS(uri.host.decode("ascii")), endpoint)
        raise ValueError("neither http nor https")


class _Collected(Protocol):
    """A body, up to a number of bytes."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._pieces: list[bytes] = []
        self.cut = False
        self.done: Deferred[bytes] = Deferred(lambda _: self.stop())

    def dataReceived(self, data: bytes) -> None:
        if self.cut:
            return
        self._pieces.append(data[: self._left])
        if len(data) > self._left:
            self.cut = True
            self.stop()
        self._left -= len(data)

    def stop(self) -> None:
        if self.transport is not None:
            self.transport.abortConnection()  # type: ignore[attr-defined]  # of the body's transport

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.done.called:
            return
        if self.cut or reason.check(ResponseDone, PotentialDataLoss):  # the latter: its end was not announced
            self.done.callback(b"".join(self._pieces))
        else:
            self.done.errback(reason)
