"""Answers sent piece by piece, no faster than the client takes them."""

from collections.abc import AsyncIterable, Awaitable, Callable
from contextlib import aclosing
from typing import Any

from twisted.logger import Logger

from homeserver.web.wire.exchange import Exchange

_log = Logger()


async def stream(body: AsyncIterable[bytes], length: int | None, exchange: Exchange, send: Callable[[bytes], Awaitable[None]]) -> bool:
    """Whether the client got all of it; if not, the connection must be cut, for what was sent has no end."""
    chunked = length is None and exchange.chunked
    left = length
    closing: Any = aclosing(body) if hasattr(body, "aclose") else _Kept(body)
    try:
        async with closing as pieces:
            async for piece in pieces:
                if not piece:
                    continue
                if left is not None:
                    left -= len(piece)
                    if left < 0:
                        raise ValueError("a streamed answer is longer than it said")
                await send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if left:
            raise ValueError("a streamed answer is shorter than it said")
        if chunked:
            await send(b"0\r\n\r\n")
    except Exception:
        if not exchange.request.abandoned:
            _log.failure("The answer to request {request_id} broke off", request_id=exchange.request.request_id)
        return False
    return True


class _Kept:
    """An iterable that needs no closing."""

    def __init__(self, body: AsyncIterable[bytes]) -> None:
        self._body = body

    async def __aenter__(self) -> AsyncIterable[bytes]:
        return self._body

    async def __aexit__(self, *_: object) -> None:
        return None
