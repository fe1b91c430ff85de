"""The files by which hosts name another place for their server, kept as long as they may be.

Server-server API, "Resolving server names", step 3. A host that once had a file and does not answer now is believed for a while longer.
"""

from collections import OrderedDict
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import urljoin, urlsplit

import orjson
from twisted.internet.defer import CancelledError, Deferred

from federation.discovery.lifetime import HOUR_S, LONGEST_S, lifetime
from federation.errors import FederationError, Unreachable
from federation.transport import RemoteAnswer, collect
from homeserver.clock import Chance, Clock
from homeserver.protocol.limits import MAX_IDENTIFIER_BYTES
from homeserver.waiting import shielded

PATH: Final = "/.well-known/matrix/server"
SECONDS: Final = 15.0
MOST_BYTES: Final = 51_200
MOST_REDIRECTS: Final = 5
FIRST_FAILURE_S: Final = 60.0
LONGEST_FAILURE_S: Final = HOUR_S
MOST_KEPT: Final = 20_000


class Fetch(Protocol):
    async def get(self, host: str, port: int, uri: str) -> RemoteAnswer:
        """By https, with the certificate of that host; without redirects. Raises Unreachable."""


class _Kept(NamedTuple):
    value: str | None
    until: float  # on the clock that never jumps
    good_until: float  # of a value that is believed although the file is gone
    failure_s: float


class WellKnown:
    """Fills `federation.discovery.steps.Delegations`."""

    def __init__(self, fetch: Fetch, clock: Clock, chance: Chance) -> None:
        self._fetch = fetch
        self._clock = clock
        self._chance = chance
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._asking: dict[str, Deferred[str | None]] = {}

    async def of(self, host: str) -> str | None:
        kept = self._kept.get(host)
        if kept is not None and kept.until > self._clock.monotonic():
            return kept.value
        asking = self._asking.get(host)
        if asking is None:
            asking = self._asking[host] = Deferred.fromCoroutine(self._ask(host))
            asking.addBoth(self._asked, host)
        return await shielded(asking)

    def _asked(self, result: Any, host: str) -> Any:
        self._asking.pop(host, None)
        return result

    async def _ask(self, host: str) -> str | None:
        working = Deferred.fromCoroutine(self._fetched(host))
        timer = self._clock.call_later(SECONDS, working.cancel)
        try:
            value, seconds = await working
        except (FederationError, CancelledError):
            return self._keep_failure(host)
        finally:
            if timer.active():
                timer.cancel()
        now = self._clock.monotonic()
        return self._keep(host, _Kept(value, now + seconds * self._chance.uniform(0.9, 1.0), now + LONGEST_S, 0.0))

    def _keep_failure(self, host: str) -> str | None:
        now, before = self._clock.monotonic(), self._kept.get(host)
        failure_s = min(max(FIRST_FAILURE_S, 0.0 if before is None else before.failure_s * 2), LONGEST_FAILURE_S)
        until = now + failure_s * self._chance.uniform(0.8, 1.0)
        if before is not None and before.value is not None and before.good_until > now:
            return self._keep(host, before._replace(until=until, failure_s=failure_s))
        return self._keep(host, _Kept(None, until, 0.0, failure_s))

    def _keep(self, host: str, kept: _Kept) -> str | None:
        self._kept[host] = kept
        self._kept.move_to_end(host)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return kept.value

    async def _fetched(self, host: str) -> tuple[str, float]:
        """What the file says and how long that may be kept; raises FederationError for no such file."""
        try:
            return await self._followed(host)
        except ValueError as error:
            raise Unreachable("A redirect to no address") from error

    async def _followed(self, host: str) -> tuple[str, float]:
        url, seen = f"https://{host}{PATH}", set[str]()
        for _ in range(MOST_REDIRECTS + 1):
            if url in seen:
                break
            seen.add(url)
            parts = urlsplit(url)
            if parts.scheme != "https" or not parts.hostname:
                break
            uri = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
            answer = await self._fetch.get(parts.hostname, _port(parts.netloc), uri)
            body = await collect(answer, MOST_BYTES)
            location = answer.headers.get("location")
            if answer.status in (301, 302, 303, 307, 308) and location:
                url = urljoin(url, location)
                continue
            if answer.status != 200:
                break
            return read(body), lifetime(answer.headers, self._clock.now_ms())
        raise Unreachable("There is no .well-known file")


def _port(netloc: str) -> int:
    text = netloc.rpartition("@")[2].rpartition("]")[2].partition(":")[2]
    if text and not (text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65_536):
        raise Unreachable("A redirect to no port")
    return int(text) if text else 443


def read(body: bytes) -> str:
    """Raises Unreachable for a file that says nothing."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unreachable("The .well-known file is no JSON") from error
    name = value.get("m.server") if isinstance(value, dict) else None
    if not isinstance(name, str) or not 0 < len(name) <= MAX_IDENTIFIER_BYTES:
        raise Unreachable("The .well-known file names no server")
    return name
