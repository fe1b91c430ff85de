"""Real TLS on loopback: a loop for one test, and servers that answer as they are told."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

import uvloop
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from tests.federation.support.certificates import Certificate

T = TypeVar("T")
Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class _Timer:
    def __init__(self, handle: asyncio.TimerHandle) -> None:
        self._handle = handle

    def active(self) -> bool:
        return not self._handle.cancelled() and self._handle.when() > asyncio.get_running_loop().time()

    def cancel(self) -> None:
        self._handle.cancel()


class LoopClock:
    """The machine's clock, its timers on the running loop."""

    def now_ms(self) -> int:
        return int(time.time() * 1000)

    def monotonic(self) -> float:
        return time.monotonic()

    def call_later(self, seconds: float, call: Callable[..., Any], *args: Any) -> IDelayedCall:
        return cast("IDelayedCall", _Timer(asyncio.get_running_loop().call_later(seconds, call, *args)))

    def sleep(self, seconds: float) -> Deferred[None]:
        done: Deferred[None] = Deferred()
        self.call_later(seconds, done.callback, None)
        return done


def play(coroutine: Coroutine[Any, Any, T]) -> T:
    """An asyncio coroutine to its end, on the loop that the server uses."""
    return uvloop.run(asyncio.wait_for(coroutine, 30))


async def given(work: Coroutine[Deferred[Any], Any, T]) -> T:
    """What a coroutine of Twisted's kind comes to, inside one of asyncio's."""
    return await Deferred.fromCoroutine(work).asFuture(asyncio.get_running_loop())


def tls(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    return context


@asynccontextmanager
async def listening(answer: Answering, certificate: Certificate | None) -> AsyncIterator[int]:
    """The port of a server whose connections `answer` is given."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=None if certificate is None else tls(certificate))
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def replies(*answers: bytes, seen: list[bytes] | None = None) -> Answering:
    """A connection that answers each request with the next of these bytes, then closes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for data in answers:
                head = await reader.readuntil(b"\r\n\r\n")
                if seen is not None:
                    seen.append(head)
                writer.write(data)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    return answer
