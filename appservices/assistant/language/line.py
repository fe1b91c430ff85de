"""The line to the model for one question: cut whenever nobody waits any more, wherever it hangs; and no faster or longer than an answer can be, so that a
model that floods costs little of a process that has other things to do."""

import socket
import ssl
from collections.abc import Iterator
from typing import Any, Final

import httpx2

from appservices.assistant.runtime import Clock, Workers

_BYTES_A_SECOND: Final = 256 * 1024  # a thousand pieces of an answer or so
_SLICE: Final = 4096  # parsed at once
_MOST_BYTES: Final = 64 * 1024  # and so many for each token that was allowed
_TOKEN_BYTES: Final = 640
_CONNECT_SECONDS: Final = 10.0


class TooMuch(Exception):
    """No answer is that long."""


class Line:
    def __init__(self, context: ssl.SSLContext, seconds: float, most_tokens: int, clock: Clock, workers: Workers) -> None:
        self._context = context
        self._seconds = seconds
        self._most = _MOST_BYTES + _TOKEN_BYTES * most_tokens
        self._clock = clock
        self._workers = workers
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
            response.stream = _Measured(response.stream, self._most, self._clock, self._workers)


class _Measured(httpx2.SyncByteStream):
    def __init__(self, inner: httpx2.SyncByteStream, most: int, clock: Clock, workers: Workers) -> None:
        self._inner = inner
        self._most = most
        self._clock = clock
        self._workers = workers

    def __iter__(self) -> Iterator[bytes]:
        size, level, last = 0, 0.0, self._clock.monotonic()
        for piece in self._inner:
            size += len(piece)
            if size > self._most:
                raise TooMuch
            for start in range(0, len(piece), _SLICE):
                part = piece[start : start + _SLICE]
                now = self._clock.monotonic()
                level = max(level - (now - last) * _BYTES_A_SECOND, 0.0) + len(part)
                last = now
                if level > 2 * _SLICE:
                    self._workers.pause((level - 2 * _SLICE) / _BYTES_A_SECOND)
                yield part

    def close(self) -> None:
        self._inner.close()


def _shut(connection: Any) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except (OSError, AttributeError):
        return  # it was closed already
