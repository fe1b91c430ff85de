"""A request body that is still on its way: a bounded reader between the socket and the endpoint."""

from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred

from homeserver.errors import MatrixError, TooLarge

_HIGH_WATER = 262_144
_NO_LIMIT = 2**63 - 1


class BodyLost(MatrixError):
    status, default_message = 408, "The body did not arrive"


class BodyBroken(MatrixError):
    default_message = "The body is not framed as HTTP wants it"


class ArrivingBody:
    """Fed by the connection, read by the endpoint. `hold` stops and lets on the socket; `invite` says "100 Continue" at the first read."""

    __slots__ = (
        "_buffered",
        "_dropped",
        "_held",
        "_hold",
        "_invite",
        "_lost",
        "_pieces",
        "_total",
        "_waiting",
        "complete",
        "declared",
        "limit",
    )

    def __init__(self, declared: int | None, hold: Callable[[bool], None], invite: Callable[[], None] | None) -> None:
        self.declared = declared
        self.limit = _NO_LIMIT
        self.complete = False
        self._hold = hold
        self._held = False
        self._invite = invite
        self._pieces: deque[bytes] = deque()
        self._buffered = 0
        self._total = 0
        self._waiting: Deferred[None] | None = None
        self._lost: MatrixError | None = None
        self._dropped = False

    def feed(self, data: bytes) -> None:
        if self._dropped:
            return
        self._pieces.append(data)
        self._buffered += len(data)
        self._total += len(data)
        if self._buffered > _HIGH_WATER and not self._held:
            self._held = True
            self._hold(True)
        self._wake()

    def end(self) -> None:
        self.complete = True
        self._wake()

    def lose(self, reason: MatrixError) -> None:
        """The rest will not come."""
        if not self.complete:
            self._lost = reason
        self._wake()

    def drop(self) -> None:
        """Nobody will read any more: let the socket run on."""
        self._dropped = True
        self._pieces.clear()
        self._buffered = 0
        self._release()

    def _release(self) -> None:
        if self._held:
            self._held = False
            self._hold(False)

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    async def read(self) -> bytes:
        if self._invite is not None:
            invite, self._invite = self._invite, None
            if not self._total and not self.complete:
                invite()
        while not self._pieces:
            if self.complete:
                return b""
            if self._lost is not None:
                raise self._lost
            self._waiting = Deferred(self._forget)
            await self._waiting
        if self._total > self.limit:
            raise TooLarge
        piece = b"".join(self._pieces)
        self._pieces.clear()
        self._buffered = 0
        self._release()
        return piece

    def _forget(self, _: Deferred[None]) -> None:
        self._waiting = None
