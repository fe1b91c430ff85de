"""The real way to application services: HTTP/1.1, plain or by TLS, over kept connections. Fills `appservices.transport.Transport`.

Their addresses come from the administrator's registrations, so any may be reached, this machine's too; where they redirect to is not followed.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from twisted.internet.defer import CancelledError, Deferred

from appservices.errors import CannotReach, TooSlow
from appservices.transport import Answer
from homeserver.clock import Clock
from homeserver.version import VERSION
from homeserver.web.outgoing.https_connection import ConnectionFailed
from homeserver.web.outgoing.https_pool import HttpsPool, Place

MOST_BYTES: Final = 2**20
AGENT: Final = f"ChatMe/{VERSION}"


class PoolTransport:
    def __init__(self, pool: HttpsPool, clock: Clock, most_bytes: int = MOST_BYTES) -> None:
        self._pool = pool
        self._clock = clock
        self._most_bytes = most_bytes

    async def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, seconds: float) -> Answer:
        asking = Deferred.fromCoroutine(self._ask(method, url, headers, body))
        late = False

        def end() -> None:
            nonlocal late
            late = True
            asking.cancel()

        timer = self._clock.call_later(seconds, end)
        try:
            return await asking
        except CancelledError as error:
            if late:
                raise TooSlow(f"no answer within {seconds:g} s") from error
            raise
        except ConnectionFailed as error:
            raise CannotReach(str(error)) from error
        finally:
            if timer.active():
                timer.cancel()

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        parts = urlsplit(url)
        host, is_tls = parts.hostname or "", parts.scheme == "https"
        place = Place(host, parts.port or (443 if is_tls else 80), host if is_tls else "")
        uri = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        sent = {"Host": parts.netloc, "User-Agent": AGENT, "Accept": "application/json", **headers}
        response = await self._pool.request(place, method, uri, sent, body)
        pieces, size = [], 0
        while size < self._most_bytes and (piece := await response.read()):
            pieces.append(piece)
            size += len(piece)
        if size >= self._most_bytes:
            response.abort()
        return Answer(response.status, b"".join(pieces)[: self._most_bytes])

    def close(self) -> None:
        self._pool.close()
