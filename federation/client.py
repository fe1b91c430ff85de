"""Requests to other servers: signed, bounded in time, size and number, and not at all to those that did not answer lately.

    answer = await client.get("a.test", v1("state_ids", room_id), {"event_id": event_id})

Server-server API, "API standards", "Request Authentication". Raises the errors of `federation.errors` alone.
"""

from collections.abc import Coroutine, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import quote, urlencode

from twisted.internet.defer import CancelledError, Deferred

from federation.errors import BadAnswer, FederationError, NotFederated, RemoteRefused, Unreachable
from federation.large_answers import parse_object, parse_slowly
from federation.outages import Outages
from federation.server_policy import ServerPolicy
from federation.slots import Slots
from federation.transport import RemoteAnswer, Transport, collect
from federation.x_matrix import authorization
from homeserver.clock import Clock
from homeserver.protocol import canonical_json
from homeserver.rooms.append import Identity
from homeserver.version import VERSION

SECONDS: Final = 30.0
MOST_BYTES: Final = 32 * 2**20
MOST_ERROR_BYTES: Final = 65_536
MOST_AT_ONCE: Final = 10  # requests to one server; further ones wait their turn
MOST_TRIES: Final = 3  # of a request that is told to come back later
LONGEST_WAIT_S: Final = 10.0  # that a server may ask for before a request is given up
GATEWAY: Final = frozenset({502, 503, 504})  # the server behind is not there
Query = Mapping[str, str | int | bool | Sequence[str]]
NO_QUERY: Final[Query] = MappingProxyType({})
T = TypeVar("T")


def v1(*segments: str) -> str:
    """A path of the federation API, each segment percent-encoded."""
    return "/_matrix/federation/v1/" + "/".join(quote(segment, safe="") for segment in segments)


def v2(*segments: str) -> str:
    return "/_matrix/federation/v2/" + "/".join(quote(segment, safe="") for segment in segments)


class Ask(NamedTuple):
    """A request. `path` is percent-encoded."""

    method: str
    destination: str
    path: str
    query: Query = NO_QUERY
    body: Mapping[str, Any] | bytes | None = None  # bytes are canonical JSON
    seconds: float = SECONDS  # for all of it
    most_bytes: int = MOST_BYTES
    though_down: bool = False  # also to a server that did not answer lately
    signed: bool = True
    to_itself: bool = False  # for what else stands under this server's name
    noted: bool = True  # whether it counts for or against the server that it answered

    @property
    def uri(self) -> str:
        pairs = [(name, ("true" if value else "false") if isinstance(value, bool) else value) for name, value in self.query.items()]
        return f"{self.path}?{urlencode(pairs, doseq=True)}" if pairs else self.path


class FederationClient:
    """Speaks for this server."""

    def __init__(self, identity: Identity, transport: Transport, outages: Outages, policy: ServerPolicy, clock: Clock) -> None:
        self._identity = identity
        self._transport = transport
        self._outages = outages
        self._policy = policy
        self._clock = clock
        self._slots = Slots(MOST_AT_ONCE)

    async def get(
        self, destination: str, path: str, query: Query = NO_QUERY, *, seconds: float = SECONDS, most_bytes: int = MOST_BYTES
    ) -> dict[str, Any]:
        return await self.ask(Ask("GET", destination, path, query, seconds=seconds, most_bytes=most_bytes))

    async def put(
        self,
        destination: str,
        path: str,
        body: Mapping[str, Any],
        query: Query = NO_QUERY,
        *,
        seconds: float = SECONDS,
        most_bytes: int = MOST_BYTES,
    ) -> dict[str, Any]:
        return await self.ask(Ask("PUT", destination, path, query, body, seconds=seconds, most_bytes=most_bytes))

    async def post(
        self,
        destination: str,
        path: str,
        body: Mapping[str, Any],
        query: Query = NO_QUERY,
        *,
        seconds: float = SECONDS,
        most_bytes: int = MOST_BYTES,
    ) -> dict[str, Any]:
        return await self.ask(Ask("POST", destination, path, query, body, seconds=seconds, most_bytes=most_bytes))

    async def ask(self, ask: Ask) -> dict[str, Any]:
        """The JSON object that was answered."""
        return await parse_slowly(await self.bytes_of(ask), self._clock)

    async def bytes_of(self, ask: Ask) -> bytes:
        """The body of the answer as it came, for what is large enough to be parsed elsewhere."""

        async def whole() -> bytes:
            answer = await self._opened(ask)
            return await collect(answer, ask.most_bytes)

        self._check(ask)
        async with self._slots.of(ask.destination):
            return await self._in_time(ask, whole())

    async def open(self, ask: Ask) -> RemoteAnswer:
        """The answer with its body still to come, for files: `ask.seconds` is for its head alone, and who reads bounds the rest."""
        self._check(ask)
        async with self._slots.of(ask.destination):
            return await self._in_time(ask, self._opened(ask))

    def _check(self, ask: Ask) -> None:
        """Raises NotFederated, BackingOff."""
        self._policy.check(ask.destination)
        if ask.destination == self._identity.server_name and not ask.to_itself:
            raise NotFederated("This server does not ask itself")
        if not ask.though_down:
            self._outages.check(ask.destination)

    async def _in_time(self, ask: Ask, work: Coroutine[Deferred[Any], Any, T]) -> T:
        """Raises Unreachable when it takes longer. Notes who is alive and who is not."""
        late = False

        def end() -> None:
            nonlocal late
            late = True
            working.cancel()

        working = Deferred.fromCoroutine(work)
        timer = self._clock.call_later(ask.seconds, end)
        try:
            return await working
        except CancelledError as error:
            if not late:
                raise  # whoever asked has gone
            self._note_failure(ask)
            raise Unreachable(f"{ask.destination} took too long to answer") from error
        except Unreachable:
            self._note_failure(ask)
            raise
        finally:
            if timer.active():
                timer.cancel()

    def _note_failure(self, ask: Ask, error: FederationError | None = None) -> None:
        """A Matrix error is a sign of life, whatever its status: a file that is not uploaded yet is a 504."""
        if ask.noted and isinstance(error, RemoteRefused) and error.remote_errcode:
            self._outages.alive(ask.destination)
        elif ask.noted:
            self._outages.failed(ask.destination)

    async def _opened(self, ask: Ask) -> RemoteAnswer:
        """A good answer; waits as long as the server asks for, if that is not too long."""
        for tries_left in reversed(range(MOST_TRIES)):
            answer = await self._sent(ask)
            if answer.status == 429 and tries_left:
                body = await collect(answer, MOST_ERROR_BYTES)
                wait_s = retry_after(answer.headers, body)
                if wait_s <= LONGEST_WAIT_S:
                    await self._clock.sleep(wait_s)
                    continue
                raise refusal(429, body)
            if 200 <= answer.status < 300:
                return answer
            error = refusal(answer.status, await collect(answer, MOST_ERROR_BYTES))
            if answer.status in GATEWAY:
                self._note_failure(ask, error)
            raise error
        raise Unreachable

    async def _sent(self, ask: Ask) -> RemoteAnswer:
        content = ask.body if ask.body is None or isinstance(ask.body, bytes) else canonical_json.encode_tolerant(ask.body)
        uri, identity = ask.uri, self._identity
        headers = {"User-Agent": f"ChatMe/{VERSION}", "Accept": "application/json"}
        if ask.signed:
            headers["Authorization"] = authorization(identity.key, identity.server_name, ask.destination, ask.method, uri, content)
        if content is not None:
            headers["Content-Type"] = "application/json"
        answer = await self._transport.request(ask.destination, ask.method, uri, headers, content)
        if ask.noted and answer.status not in GATEWAY:
            self._outages.alive(ask.destination)
        return answer


def refusal(status: int, body: bytes) -> FederationError:
    try:
        fields = parse_object(body)
    except BadAnswer:
        return RemoteRefused(status)
    errcode, message = fields.get("errcode"), fields.get("error")
    return RemoteRefused(status, errcode if isinstance(errcode, str) else "", message if isinstance(message, str) else "", fields)


def retry_after(headers: Mapping[str, str], body: bytes) -> float:
    """Seconds that a server asks to be left alone, from the header or the body; one second where it says nothing of use."""
    text = headers.get("retry-after", "")
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        wait_ms = parse_object(body).get("retry_after_ms")
    except BadAnswer:
        return 1.0
    return wait_ms / 1000 if isinstance(wait_ms, int) and not isinstance(wait_ms, bool) and wait_ms >= 0 else 1.0
