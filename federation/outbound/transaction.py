"""One transaction: put together, sent, and what became of it (server-server API, "Transactions")."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from twisted.logger import Logger

from federation.client import Ask, FederationClient, v1
from federation.errors import FederationError, NotFederated, RemoteRefused
from federation.outages import Outages
from homeserver.clock import Chance, Clock
from homeserver.protocol import canonical_json
from homeserver.protocol.event import parse_pdu
from homeserver.protocol.limits import MAX_TRANSACTION_EDUS, MAX_TRANSACTION_PDUS
from homeserver.rooms.store import StoredEvent

MOST_PDUS: Final = MAX_TRANSACTION_PDUS
MOST_EDUS: Final = MAX_TRANSACTION_EDUS
SPOILED: Final = frozenset({400, 413})  # the same would be refused again
BOOT_LENGTH: Final = 8


def edu(type: str, content: Mapping[str, Any]) -> bytes:
    return edu_of(type, canonical_json.encode_tolerant(content))


def edu_of(type: str, content: bytes) -> bytes:
    """Of ready canonical JSON."""
    return b'{"content":%b,"edu_type":%b}' % (content, orjson.dumps(type))


def compose(origin: str, now_ms: int, pdus: Sequence[bytes], edus: Sequence[bytes]) -> bytes:
    """The body, in canonical JSON."""
    ephemeral = b'"edus":[%b],' % b",".join(edus) if edus else b""
    return b'{%b"origin":%b,"origin_server_ts":%d,"pdus":[%b]}' % (ephemeral, orjson.dumps(origin), now_ms, b",".join(pdus))


class Item:
    """What has a place in the order of things told: an event, or an EDU that must not be lost. Encoded once for all servers."""

    __slots__ = ("_edu", "_pdu", "event", "position")

    def __init__(self, position: int, event: StoredEvent | None, edu: bytes = b"") -> None:
        self.position = position
        self.event = event
        self._edu = edu
        self._pdu: bytes | None = None

    @property
    def encoded(self) -> bytes:
        if self.event is None:
            return self._edu
        if self._pdu is None:
            event = self.event
            self._pdu = canonical_json.encode_tolerant(parse_pdu(event.body, event.links, event.version))
        return self._pdu


class Transactions:
    """Speaks for this server. Whether a server answers is noted here."""

    _log = Logger()

    def __init__(self, origin: str, client: FederationClient, outages: Outages, clock: Clock, chance: Chance) -> None:
        self._origin = origin
        self._client = client
        self._outages = outages
        self._clock = clock
        self._boot = chance.token(BOOT_LENGTH)
        self.sent = 0
        self.failed = 0

    async def send(self, destination: str, pdus: Sequence[bytes], edus: Sequence[bytes], seconds: float) -> bool:
        """False: to be tried again when `Outages` says so. What the other server will never take counts as sent."""
        self.sent += 1
        body = compose(self._origin, self._clock.now_ms(), pdus, edus)
        ask = Ask("PUT", destination, v1("send", f"{self._boot}{self.sent}"), body=body, seconds=seconds, noted=False)
        try:
            answer = await self._client.ask(ask)
        except NotFederated:
            return True
        except RemoteRefused as refused:
            if refused.remote_status not in SPOILED:
                return self._fail(destination, refused)
            self._log.warn("{destination} does not take a transaction: {error}", destination=destination, error=refused.message)
            answer = {}
        except FederationError as error:
            return self._fail(destination, error)
        self._outages.alive(destination)
        self._note(destination, answer)
        return True

    def _fail(self, destination: str, error: FederationError) -> bool:
        self.failed += 1
        self._outages.failed(destination)
        self._log.debug("{destination} is told later: {error}", destination=destination, error=error.message)
        return False

    def _note(self, destination: str, answer: Mapping[str, Any]) -> None:
        results = answer.get("pdus")
        if not isinstance(results, dict):
            return
        for event_id, result in results.items():
            if isinstance(result, dict) and "error" in result:
                error = str(result["error"])[:200]
                self._log.info("{destination} refused {event}: {error}", destination=destination, event=event_id, error=error)
