"""The real way to other servers: found by their names, spoken to by TLS. Fills `federation.transport.Transport`."""

from collections.abc import Mapping
from typing import Any, Final

from twisted.logger import Logger

from federation.discovery.steps import Discovery, LookUpSrv, Target
from federation.discovery.well_known import WellKnown
from federation.errors import Unreachable
from federation.transport import RemoteAnswer
from homeserver.clock import Chance, Clock
from homeserver.version import VERSION
from homeserver.web.outgoing.https_connection import ConnectionFailed, Response
from homeserver.web.outgoing.https_pool import HttpsPool, Place

AGENT: Final = f"ChatMe/{VERSION}"


class TlsTransport:
    _log = Logger()

    def __init__(self, pool: HttpsPool, look_up: LookUpSrv, clock: Clock, chance: Chance) -> None:
        self._pool = pool
        self._discovery = Discovery(WellKnown(WebFetch(pool), clock, chance), look_up, chance)

    async def request(self, destination: str, method: str, uri: str, headers: Mapping[str, str], body: bytes | None) -> RemoteAnswer:
        problem: Exception | None = None
        for target in await self._discovery.targets(destination):
            sent = {"Host": target.host_header, **headers}
            try:
                return Arriving(await self._pool.request(place_of(target), method, uri, sent, body))
            except ConnectionFailed as error:
                problem = error
        self._log.info("{destination} cannot be reached: {error}", destination=destination, error=str(problem))
        raise Unreachable(f"{destination} cannot be reached") from problem

    def close(self) -> None:
        self._pool.close()


class WebFetch:
    """Plain requests to web servers. Fills `federation.discovery.well_known.Fetch`."""

    def __init__(self, pool: HttpsPool) -> None:
        self._pool = pool

    async def get(self, host: str, port: int, uri: str) -> RemoteAnswer:
        shown = f"[{host}]" if ":" in host else host
        headers: dict[str, Any] = {"Host": shown if port == 443 else f"{shown}:{port}", "User-Agent": AGENT, "Accept": "application/json"}
        try:
            return Arriving(await self._pool.request(Place(host, port, host), "GET", uri, headers, None))
        except ConnectionFailed as error:
            raise Unreachable(f"{host} cannot be reached") from error


class Arriving:
    """An answer that says by the errors of this wing when it is cut off."""

    def __init__(self, response: Response) -> None:
        self._response = response
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    async def read(self) -> bytes:
        try:
            return await self._response.read()
        except ConnectionFailed as error:
            raise Unreachable(f"The answer was cut off: {error}") from error

    def abort(self) -> None:
        self._response.abort()


def place_of(target: Target) -> Place:
    return Place(target.host, target.port, target.tls_name)
