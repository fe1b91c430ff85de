"""A network in memory between servers of one process: every request reaches the other server's edge itself, after a delay, or does not.

The clock and the chance are those of the test, so the same seed gives the same order of things.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

from twisted.internet.defer import Deferred

from federation.errors import Unreachable
from federation.transport import ReadyAnswer, RemoteAnswer
from homeserver.web.dispatch import Dispatch
from homeserver.web.request import Request
from tests.federation.support.recording import Recording
from tests.support.clock import FakeClock, SeededChance


class Passed(NamedTuple):
    """A request that was sent, and the status it got (0: it was lost, or so was its answer)."""

    origin: str
    destination: str
    method: str
    uri: str
    body: bytes
    status: int


class FakeNetwork:
    """`cut` and `mend` part servers, `delays` are in seconds (`slow`: of some servers), `lose` decides of each request whether it or its answer is lost."""

    recording: ClassVar[Recording | None] = None

    def __init__(self, clock: FakeClock, chance: SeededChance) -> None:
        self._clock = clock
        self._chance = chance
        self._servers: dict[str, Dispatch] = {}
        self._cut: set[frozenset[str]] = set()
        self._down: set[str] = set()
        self.delays = (0.0, 0.0)
        self.slow: dict[str, float] = {}
        self.lose: Callable[[str, str, str], str | None] = lambda origin, destination, uri: None  # "request", "answer" or None
        self.passed: list[Passed] = []
        self.whole: set[Dispatch] = set()  # of whole servers; the answers of others are made up by tests

    def join(self, name: str, dispatch: Dispatch) -> None:
        self._servers[name] = dispatch

    def cut(self, one: str, other: str) -> None:
        self._cut.add(frozenset((one, other)))

    def mend(self, one: str, other: str) -> None:
        self._cut.discard(frozenset((one, other)))

    def take_down(self, name: str) -> None:
        """Nobody reaches it, and it reaches nobody."""
        self._down.add(name)

    def bring_up(self, name: str) -> None:
        self._down.discard(name)

    def transport(self, origin: str) -> "FakeTransport":
        return FakeTransport(self, origin)

    def reaches(self, origin: str, destination: str) -> bool:
        return (
            destination in self._servers
            and frozenset((origin, destination)) not in self._cut
            and origin not in self._down
            and destination not in self._down
        )

    async def pause(self, destination: str) -> None:
        seconds = self.slow.get(destination)
        low, high = self.delays if seconds is None else (seconds, seconds)
        if high > 0:
            await self._clock.sleep(self._chance.uniform(low, high))

    async def carry(self, origin: str, destination: str, request: Request, uri: str) -> ReadyAnswer:
        lost = self.lose(origin, destination, uri)
        await self.pause(destination)
        if lost == "request" or not self.reaches(origin, destination):
            self.passed.append(Passed(origin, destination, request.method, uri, request.raw_body, 0))
            raise Unreachable(f"{destination} cannot be reached from {origin}")
        serving = self._servers[destination]
        reply = await Deferred.fromCoroutine(serving.serve(request))
        body = reply.body if isinstance(reply.body, bytes) else b"".join([piece async for piece in reply.body])
        if self.recording is not None:
            self.recording.write(request, uri, reply.status, reply.content_type, body, is_ours=serving in self.whole)
        await self.pause(destination)
        if lost == "answer" or not self.reaches(origin, destination):
            self.passed.append(Passed(origin, destination, request.method, uri, request.raw_body, 0))
            raise Unreachable(f"{destination} was cut off while it answered {origin}")
        self.passed.append(Passed(origin, destination, request.method, uri, request.raw_body, reply.status))
        headers = {name.lower(): value for name, value in reply.headers.items()}
        return ReadyAnswer(reply.status, {"content-type": reply.content_type, **headers}, body)


class FakeTransport:
    """One server's way into the network."""

    def __init__(self, network: FakeNetwork, origin: str) -> None:
        self._network = network
        self._origin = origin

    async def request(self, destination: str, method: str, uri: str, headers: Mapping[str, str], body: bytes | None) -> RemoteAnswer:
        path, _, query = uri.partition("?")
        sent: dict[str, Any] = {name.lower(): value for name, value in headers.items()}
        request = Request(method, path, query, sent, body or b"", "192.0.2.2")
        return await self._network.carry(self._origin, destination, request, uri)

    def close(self) -> None:
        """There is nothing to close."""
