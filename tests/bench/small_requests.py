"""What an authenticated small request costs a server: GET /account/whoami over 16 connections, CPU counted to the nanosecond.

The load generator tells CPU in ticks of 10 ms, which is a quarter of what its 2,000 requests cost us.
"""

import asyncio
import json
import urllib.request
from collections.abc import Callable, Sequence
from typing import cast
from urllib.parse import urlsplit

import httptools
import uvloop

from tests.bench.servers import Running, processor_seconds

CONNECTIONS = 16
ROUNDS = 3
WHOAMI = "/_matrix/client/v3/account/whoami"


class Asking(asyncio.Protocol):
    """One connection that asks the same thing again and again, as long as the count allows."""

    def __init__(self, request: bytes, take: Callable[[], bool], done: Callable[[Exception | None], None]) -> None:
        self._request = request
        self._take = take
        self._done = done
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are none by inheritance
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status == 200:
            self._ask()
        else:
            self._done(RuntimeError(f"{WHOAMI} answered {status}"))

    def _ask(self) -> None:
        if self._transport is not None and self._take():
            self._transport.write(self._request)
        else:
            self._done(None)


def whoami_ms(server: Running, requests: int) -> float:
    """Milliseconds of the server's CPU for one request: the median of three rounds."""
    address = urlsplit(server.url)
    request = f"GET {WHOAMI} HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {_token(server.url)}\r\n\r\n".encode()

    async def rounds() -> Sequence[float]:
        return [await _round(server.pids, address.hostname or "", address.port or 80, request, requests) for _ in range(ROUNDS)]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return sorted(runner.run(rounds()))[ROUNDS // 2]


async def _round(pids: Sequence[int], host: str, port: int, request: bytes, requests: int) -> float:
    loop = asyncio.get_running_loop()
    left, ended, open_ones = [requests], loop.create_future(), [CONNECTIONS]

    def take() -> bool:
        left[0] -= 1
        return left[0] >= 0

    def done(error: Exception | None) -> None:
        open_ones[0] -= 1
        if error is not None and not ended.done():
            ended.set_exception(error)
        elif open_ones[0] == 0 and not ended.done():
            ended.set_result(None)

    before = processor_seconds(pids)
    transports = [(await loop.create_connection(lambda: Asking(request, take, done), host, port))[0] for _ in range(CONNECTIONS)]
    await ended
    used = processor_seconds(pids) - before
    for transport in transports:
        transport.close()
    return used / requests * 1000


def _token(url: str) -> str:
    body = json.dumps({"username": "small_requests", "password": "small requests", "auth": {"type": "m.login.dummy"}}).encode()
    register = urllib.request.Request(url + "/_matrix/client/v3/register", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(register, timeout=60) as answer:
        token = json.loads(answer.read())["access_token"]
    return str(token)
