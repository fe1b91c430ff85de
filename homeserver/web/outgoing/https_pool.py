"""Connections to other servers, made when needed and kept for a while: to addresses that were looked at after resolution, with their certificates checked
(application services may also be spoken to without TLS).

TLS is Python's own, on the loop; nothing of it is loaded before the first request.
"""

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from socket import IPPROTO_TCP, SOCK_STREAM
from typing import Any, Final, NamedTuple

from twisted.internet.defer import CancelledError, Deferred

from homeserver.clock import Clock
from homeserver.web.outgoing.https_connection import ConnectionFailed, HttpsConnection, NotSent, Response

CONNECT_SECONDS: Final = 8.0  # for one address, TLS included
MOST_ADDRESSES: Final = 4
MOST_CONNECTING: Final = 50
MOST_IDLE: Final = 200
IDLE_SECONDS: Final = 50.0


class Place(NamedTuple):
    """Where to connect, and whose certificate must be there."""

    host: str  # a name or an address without brackets
    port: int
    tls_name: str  # the same; empty: no TLS


class HttpsPool:
    """`permits` says whether an address may be reached; `authorities` is a file of certificates trusted besides the system's."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock, *, permits: Callable[[str], bool], authorities: Path | None) -> None:
        self._loop = loop
        self._clock = clock
        self._permits = permits
        self._authorities = authorities
        self._context: ssl.SSLContext | None = None
        self._idle: OrderedDict[HttpsConnection, Place] = OrderedDict()
        self._by_place: dict[Place, list[HttpsConnection]] = {}
        self._connecting = 0
        self._queue: list[Deferred[None]] = []

    async def request(self, place: Place, method: str, uri: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        """Raises ConnectionFailed. `headers` hold Host."""
        data = head_bytes(method, uri, headers, body)
        kept = self._kept(place)
        if kept is not None:
            try:
                return await kept.send(data)
            except NotSent:
                pass  # it had been closed meanwhile
        connection = await self._connect(place)
        return await connection.send(data)

    def close(self) -> None:
        """Those at rest; the others are closed by whoever waits for them."""
        for connection in list(self._idle):
            self._forget(connection)
            connection.close()

    def _kept(self, place: Place) -> HttpsConnection | None:
        self._drop_old()
        while self._by_place.get(place):
            connection = self._by_place[place][-1]
            self._forget(connection)
            if connection.usable:
                return connection
        return None

    def _keep(self, connection: HttpsConnection, place: Place) -> None:
        connection.idle_since = self._clock.monotonic()
        self._idle[connection] = place
        self._by_place.setdefault(place, []).append(connection)
        self._drop_old()

    def _drop_old(self) -> None:
        oldest = self._clock.monotonic() - IDLE_SECONDS
        while self._idle:
            connection = next(iter(self._idle))
            if len(self._idle) <= MOST_IDLE and connection.idle_since > oldest and connection.usable:
                return
            self._forget(connection)
            connection.close()

    def _forget(self, connection: HttpsConnection) -> None:
        place = self._idle.pop(connection)
        there = self._by_place[place]
        there.remove(connection)
        if not there:
            del self._by_place[place]

    async def _connect(self, place: Place) -> HttpsConnection:
        await self._take_turn()
        try:
            addresses = await self._addresses(place)
            problem: Exception = ConnectionFailed("the name leads nowhere")
            for address in addresses[:MOST_ADDRESSES]:
                try:
                    return await self._connect_to(address, place)
                except (OSError, ssl.SSLError, CancelledTooLate) as error:
                    problem = error
            raise ConnectionFailed(f"{place.host}:{place.port}: {problem}") from problem
        finally:
            self._give_turn()

    async def _addresses(self, place: Place) -> list[str]:
        asking = self._loop.create_task(self._loop.getaddrinfo(place.host, place.port, type=SOCK_STREAM, proto=IPPROTO_TCP))
        try:
            found = await self._in_time(Deferred.fromFuture(asking))
        except (OSError, UnicodeError, CancelledTooLate) as error:
            raise ConnectionFailed(f"{place.host} cannot be resolved: {error}") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        allowed = [address for address in addresses if self._permits(address)]
        if addresses and len(allowed) < len(addresses):
            raise ConnectionFailed(f"{place.host} leads to an address that may not be reached")
        return allowed

    async def _connect_to(self, address: str, place: Place) -> HttpsConnection:
        connecting = self._loop.create_task(
            self._loop.create_connection(
                lambda: HttpsConnection(lambda connection: self._keep(connection, place)),
                address,
                place.port,
                ssl=self._tls() if place.tls_name else None,
                server_hostname=str(place.tls_name) or None,  # uvloop takes no subclass
            )
        )
        _, connection = await self._in_time(Deferred.fromFuture(connecting))
        made: HttpsConnection = connection
        return made

    async def _in_time(self, work: Deferred[Any]) -> Any:
        late = False

        def end() -> None:
            nonlocal late
            late = True
            work.cancel()

        timer = self._clock.call_later(CONNECT_SECONDS, end)
        try:
            return await work
        except (CancelledError, asyncio.CancelledError) as error:
            if late:
                raise CancelledTooLate("it took too long") from error
            raise CancelledError from error
        finally:
            if timer.active():
                timer.cancel()

    async def _take_turn(self) -> None:
        if self._connecting < MOST_CONNECTING:
            self._connecting += 1
            return
        turn: Deferred[None] = Deferred(self._queue.remove)
        self._queue.append(turn)
        await turn  # whoever is done hands the place on

    def _give_turn(self) -> None:
        if self._queue:
            self._queue.pop(0).callback(None)
        else:
            self._connecting -= 1

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            context = ssl.create_default_context()
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.set_alpn_protocols(["http/1.1"])
            if self._authorities is not None:
                context.load_verify_locations(self._authorities)
            self._context = context
        return self._context


class CancelledTooLate(Exception):
    """The time for this step is over."""


def head_bytes(method: str, uri: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """The whole request. Values come from this server alone, but a line break among them would make two requests of one."""
    length = {} if body is None and method == "GET" else {"Content-Length": str(len(body or b""))}
    lines = [f"{method} {uri} HTTP/1.1", *(f"{name}: {value}" for name, value in {**headers, **length}.items())]
    text = "\r\n".join(lines)
    if text.count("\n") != len(lines) - 1 or text.count("\r") != len(lines) - 1 or " " in uri or not text.isascii():
        raise ConnectionFailed("this cannot be asked for by HTTP")
    return text.encode("ascii") + b"\r\n\r\n" + (body or b"")
