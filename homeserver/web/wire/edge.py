"""What all connections of a server share: how to serve, what one may cost, the second hand of the clock."""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from homeserver.clock import Clock
from homeserver.web.endpoint import Later, Reply
from homeserver.web.metrics import Metrics
from homeserver.web.rate_limit import TrustedProxies
from homeserver.web.request import Request
from homeserver.web.wire.head import Heads
from homeserver.web.wire.limits import WireLimits

Serve = Callable[[Request], Coroutine[Deferred[Any], Any, Reply | Later]]


class Connection(Protocol):
    """What the edge does with a connection from above."""

    deadline: int

    def expire(self) -> None:
        """The deadline has passed."""

    def finish(self) -> None:
        """Answer what runs, then close."""

    def abort(self) -> None:
        """Close at once."""


def _second(clock: Clock) -> int:
    return int(clock.monotonic()) + 1  # never 0, which says "no deadline"


class Edge:
    """One for all listeners of a Dispatch."""

    def __init__(self, serve: Serve, limits: WireLimits, clock: Clock, metrics: Metrics, proxies: TrustedProxies) -> None:
        self.serve = serve
        self.limits = limits
        self.proxies = proxies
        self.heads = Heads(clock.now_ms())
        self.now = _second(clock)  # coarse: deadlines of connections are compared with it
        self.stopping = False
        self.connections: set[Connection] = set()
        self._clock = clock
        self._metrics = metrics
        self._unreadable = metrics.measure("", "(unreadable)")
        self._timer: IDelayedCall | None = None
        self._idle: Deferred[None] | None = None

    def start(self) -> None:
        """Let the second hand run."""
        self._timer = self._clock.call_later(1.0, self._tick)

    def _tick(self) -> None:
        self._timer = self._clock.call_later(1.0, self._tick)
        self.now = _second(self._clock)
        self.heads.renew(self._clock.now_ms())
        late = [connection for connection in self.connections if 0 < connection.deadline <= self.now]
        for connection in late:
            connection.expire()

    def joined(self, connection: Connection) -> bool:
        """False when there are too many already."""
        if self.stopping or len(self.connections) >= self.limits.connections:
            return False
        self.connections.add(connection)
        self._metrics.connections += 1
        return True

    def left(self, connection: Connection) -> None:
        if connection in self.connections:
            self.connections.remove(connection)
            self._metrics.connections -= 1
        if self._idle is not None and not self.connections:
            idle, self._idle = self._idle, None
            idle.callback(None)

    def refused(self, status: int) -> None:
        """Something came that is no request."""
        self._unreadable.observe(status, 0.0)

    async def stop(self, seconds: float) -> None:
        """Let what runs end within that time, then close everything."""
        self.stopping = True
        for connection in tuple(self.connections):
            connection.finish()
        if self.connections:
            self._idle = Deferred()
            timer = self._clock.call_later(seconds, self._abort_all)
            await self._idle
            if timer.active():
                timer.cancel()
        if self._timer is not None:
            self._timer.cancel()

    def _abort_all(self) -> None:
        for connection in tuple(self.connections):
            connection.abort()
