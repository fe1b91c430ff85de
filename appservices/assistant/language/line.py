"""The line to the model for one question: cut whenever nobody waits any more, wherever it hangs; no longer than an answer can be, and all lines together no
faster than answers come. A piece of an answer takes a quarter of a millisecond, so a model that floods costs an eighth of a core, in bits."""

import socket
import ssl
from collections.abc import Iterator
from typing import Any, Final

import httpx2

from appservices.assistant.runtime import Clock, Workers

_BYTES_A_SECOND: Final = 128 * 1024  # five hundred pieces of answers or so
_SLICE: Final = 1024  # parsed at once: a millisecond
_MOST_BYTES: Final = 64 * 1024  # and so many for each token that was allowed
_TOKEN_BYTES: Final = 640
_CONNECT_SECONDS: Final = 10.0


class TooMuch(Exception):
    """No answer is that long."""


class Pace:
    """Of all lines. Threads that count at the same time may lose a few bytes of each other's."""

    def __init__(self, clock: Clock, workers: Workers) -> None:
        self._clock = clock
        self._workers = workers
        self._level = 0.0
        self._last = clock.monotonic()

    def keep(self, size: int) -> None:
        now = self._clock.monotonic()
        self._level = max(self._level - (now - self._last) * _BYTES_A_SECOND, 0.0) + size
        self._last = now
        if self._level > 2 * _SLICE:
            self._workers.pause((self._level - 2 * _SLICE) / _BYTES_A_SECOND)


class Line:
    def __init__(self, context: ssl.SSLContext, seconds: float, most_tokens: int, pace: Pace) -> None:
        self._context = context
        self._seconds = seconds
        self._most = _MOST_BYTES + _TOKEN_BYTES * most_tokens
        self._pace = pace
        self._sockets: list[Any] = []
        self._is_cut = False

    def open(self) -> httpx2.Client:
        """In a thread."""
        return httpx2.Client(
            verify=self._context,
            timeout=httpx2.Timeout(self._seconds, connect=_CONNECT_SECONDS),
            limits=httpx2.Limits(max_keepalive_connections=0),
            headers={"Accept-Encoding": "identity"},
            event_hooks={"request": [self._watch], "response": [self._measure]},
        )

    def cut(self) -> None:
        """From any thread, at the socket: closing the response alone would wait for what is still being read."""
        self._is_cut = True
        for connection in list(self._sockets):
            _shut(connection)

    def _watch(self, request: httpx2.Request) -> None:
        request.extensions["trace"] = self._trace

    def _trace(self, name: str, info: dict[str, Any]) -> None:
        if name in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            connection = info["return_value"].get_extra_info("socket")
            self._sockets.append(connection)
            if self._is_cut:
                _shut(connection)

    def _measure(self, response: httpx2.Response) -> None:
        if isinstance(response.stream, httpx2.SyncByteStream):
            response.stream = _Measured(response.stream, self._most, self._pace)


class _Measured(httpx2.SyncByteStream):
    def __init__(self, inner: httpx2.SyncByteStream, most: int, pace: Pace) -> None:
        self._inner = inner
        self._most = most
        self._pace = pace

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for piece in self._inner:
            size += len(piece)
            if size > self._most:
                raise TooMuch
            for start in range(0, len(piece), _SLICE):
                part = piece[start : start + _SLICE]
                self._pace.keep(len(part))
                yield part

    def close(self) -> None:
        self._inner.close()


def _shut(connection: Any) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except (OSError, AttributeError):
        return  # it was closed already
