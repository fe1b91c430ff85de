"""Requests by Twisted's Agent, for the assistant that is a process of its own."""

from collections.abc import Mapping
from typing import Any, Final

from treq.client import HTTPClient
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.error import ConnectError, ConnectingCancelledError
from twisted.internet.interfaces import IConsumer
from twisted.web.client import Agent, HTTPConnectionPool, ResponseFailed
from twisted.web.iweb import IBodyProducer
from zope.interface import implementer

from appservices.assistant.matrix.errors import Unreachable
from appservices.assistant.matrix.web import MOST_BYTES, Answer

_CONNECTIONS: Final = 8


class AgentWeb:
    def __init__(self, reactor: Any) -> None:
        self._pool = HTTPConnectionPool(reactor, persistent=True)
        self._pool.maxPersistentPerHost = _CONNECTIONS
        self._pool.retryAutomatically = True
        self._http = HTTPClient(Agent(reactor, pool=self._pool, connectTimeout=10))
        self._reactor = reactor

    async def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, seconds: float) -> Answer:
        asking = Deferred.fromCoroutine(self._ask(method, url, headers, body))
        is_late = False

        def end() -> None:
            nonlocal is_late
            is_late = True
            asking.cancel()

        timer = self._reactor.callLater(seconds, end)
        try:
            return await asking
        except (ConnectError, CancelledError, ConnectingCancelledError, ResponseFailed, _TooLarge, OSError) as error:
            if not is_late and _was_cancelled(error):
                raise CancelledError from error  # nobody wants it any more
            raise Unreachable(f"no answer within {seconds:g} s" if is_late else type(error).__name__) from error
        finally:
            if timer.active():
                timer.cancel()

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        sent: dict[bytes | str, bytes | str] = dict(headers.items())
        data = None if body is None else Body(body)
        response = await self._http.request(
            method, url, headers=sent, data=data, unbuffered=True, allow_redirects=False, reactor=self._reactor
        )
        pieces = _Pieces()
        await response.collect(pieces.add)
        return Answer(response.code, b"".join(pieces.all))

    async def close(self) -> None:
        await self._pool.closeCachedConnections()


def _was_cancelled(error: Exception) -> bool:
    reasons = error.reasons if isinstance(error, ResponseFailed) else ()
    return isinstance(error, CancelledError | ConnectingCancelledError) or any(reason.check(CancelledError) for reason in reasons)


@implementer(IBodyProducer)
class Body:
    """Bytes at once."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.length = len(data)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        consumer.write(self._data)
        return succeed(None)

    def pauseProducing(self) -> None:
        """There is nothing to pause."""

    def stopProducing(self) -> None:
        """Nor to stop."""

    def resumeProducing(self) -> None:
        """Nor to resume."""


class _TooLarge(Exception):
    """More than anybody should answer."""


class _Pieces:
    def __init__(self) -> None:
        self.all: list[bytes] = []
        self._size = 0

    def add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > MOST_BYTES:
            raise _TooLarge
        self.all.append(piece)
