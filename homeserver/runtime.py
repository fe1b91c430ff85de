"""Real time, real chance and the real reactor: the only module that asks the operating system for them."""

import asyncio
import secrets
import sys
import time
from collections.abc import Callable
from typing import Any

import uvloop
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_CHOICES = bytes(range(len(_LETTERS) * 4))  # the bytes that map evenly onto the letters
_TO_LETTERS = bytes(ord(_LETTERS[code % len(_LETTERS)]) for code in range(256))
_UNEVEN = bytes(range(len(_CHOICES), 256))


def install_reactor() -> tuple[Any, asyncio.AbstractEventLoop]:
    """Twisted's asyncio reactor on a uvloop, and that loop for the HTTP edge. To be called before anything imports the reactor."""
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    _asyncio_reactor().install(loop)
    from twisted.internet import reactor

    return reactor, loop


def _asyncio_reactor() -> Any:
    """Without OpenSSL (14 MB), which the reactor would bring along for TLS on its own sockets. Ours is asyncio's; the client for other servers wraps
    its connections by itself (`wrapClientTLS`), and brings OpenSSL when it is first needed."""
    hidden = "OpenSSL" not in sys.modules
    if hidden:
        sys.modules["OpenSSL"] = None  # type: ignore[assignment]
    try:
        from twisted.internet import asyncioreactor
    finally:
        if hidden:
            del sys.modules["OpenSSL"]
    return asyncioreactor


processor_seconds: Callable[[], float] = time.process_time  # used by this process, all threads


class ReactorClock:
    """The clock of the machine, its timers on the given reactor."""

    def __init__(self, reactor: IReactorTime) -> None:
        self._reactor = reactor
        self.monotonic: Callable[[], float] = time.monotonic  # no frame of ours on the hot path

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def call_later(self, seconds: float, call: Callable[..., Any], *args: Any) -> IDelayedCall:
        return self._reactor.callLater(seconds, call, *args)

    def sleep(self, seconds: float) -> Deferred[None]:
        def cancel(_: Deferred[None]) -> None:
            timer.cancel()

        done: Deferred[None] = Deferred(cancel)
        timer = self.call_later(seconds, done.callback, None)
        return done


class SystemChance:
    """Chance from the operating system."""

    def token_bytes(self, count: int) -> bytes:
        return secrets.token_bytes(count)

    def token(self, length: int) -> str:
        found = b""
        while len(found) < length:
            found += secrets.token_bytes(length + 8).translate(_TO_LETTERS, _UNEVEN)
        return found[:length].decode()

    def uniform(self, low: float, high: float) -> float:
        return low + (high - low) * (int.from_bytes(secrets.token_bytes(7), "big") >> 3) / (1 << 53)
