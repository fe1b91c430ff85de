"""Transactions of other servers (server-server API, "Transactions").

What is wrong with one event or EDU is said of it alone. A server sends one transaction at a time; what it sends besides waits. The same transaction again is
answered as before, also while the first is still under way; after a restart its parts are known by their own IDs.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred

from federation.errors import BadAnswer
from federation.large_answers import parse_slowly
from federation.outbound.transaction import MOST_EDUS, MOST_PDUS
from federation.slots import Slots
from homeserver.clock import Clock
from homeserver.errors import BadJson, InvalidParam, LimitExceeded, NotJson
from homeserver.waiting import shielded
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request

MOST_READ: Final = 1_000  # events, or EDUs, before it is said that they are too many
REMEMBERED: Final = 1_000  # transactions
MOST_AT_ONCE: Final = 5  # of one server, which sends one after the other
RETRY_MS: Final = 5_000
MAX_ID_BYTES: Final = 255


class Arrivals(Protocol):
    """Where events go that other servers send."""

    async def receive(self, origin: str, pdus: list[Any]) -> dict[str, str | None]:
        """Event ID → what is wrong with it, None: nothing. What is no event at all is left out."""


class IncomingEdus(Protocol):
    async def receive(self, origin: str, edus: list[Any]) -> None:
        """What is wrong with one spoils that one alone. Raises Unavailable when they could not be stored."""


class NoArrivals:
    """A server that takes no events of others."""

    async def receive(self, origin: str, pdus: list[Any]) -> dict[str, str | None]:
        return {}


class TransactionEndpoint:
    def __init__(self, arrivals: Arrivals, edus: IncomingEdus, clock: Clock) -> None:
        self._arrivals = arrivals
        self._edus = edus
        self._clock = clock
        self._turns = Slots(1)
        self._under_way: dict[str, int] = {}
        self._known: OrderedDict[tuple[str, str], Deferred[dict[str, Any]]] = OrderedDict()

    @endpoint("PUT", "/_matrix/federation/v1/send/{txn_id}", access=Access.PEER, rate=Rate.NONE, body=Body.NONE)
    async def send(self, request: Request, txn_id: str) -> Answer:
        origin = request.peer or ""
        if len(txn_id.encode()) > MAX_ID_BYTES:
            raise InvalidParam(f"A transaction ID has at most {MAX_ID_BYTES} bytes")
        pdus, edus = _parts(await self._body(request.raw_body))
        key = (origin, txn_id)
        known = self._known.get(key)
        if known is None:
            self._check_crowd(origin)
            known = self._known[key] = Deferred.fromCoroutine(self._take(origin, pdus, edus))
            known.addErrback(self._forget, key)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return await shielded(known)

    async def _body(self, data: bytes) -> dict[str, Any]:
        """Event by event: what is wrong with one is said of it alone, and a large one keeps nobody from his turn."""
        try:
            return await parse_slowly(data, self._clock, MOST_READ)
        except BadAnswer as error:
            raise NotJson("The body is no JSON object, or larger than it may be") from error

    def _check_crowd(self, origin: str) -> None:
        if self._under_way.get(origin, 0) >= MOST_AT_ONCE:
            raise LimitExceeded("Send one transaction after the other", retry_after_ms=RETRY_MS)

    async def _take(self, origin: str, pdus: list[Any], edus: list[Any]) -> dict[str, Any]:
        self._under_way[origin] = self._under_way.get(origin, 0) + 1
        try:
            async with self._turns.of(origin):
                await self._edus.receive(origin, edus)
                results = await self._arrivals.receive(origin, pdus) if pdus else {}
        finally:
            self._under_way[origin] -= 1
            if not self._under_way[origin]:
                del self._under_way[origin]
        return {"pdus": {event_id: {} if error is None else {"error": error} for event_id, error in results.items()}}

    def _forget(self, failure: Any, key: tuple[str, str]) -> Any:
        """It may come again, and go better."""
        self._known.pop(key, None)
        return failure


def _parts(body: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    pdus, edus = body.get("pdus", []), body.get("edus", [])
    if not isinstance(pdus, list) or not isinstance(edus, list):
        raise BadJson("pdus and edus must be lists")
    if len(pdus) > MOST_PDUS or len(edus) > MOST_EDUS:
        raise InvalidParam(f"A transaction has at most {MOST_PDUS} PDUs and {MOST_EDUS} EDUs")
    return pdus, edus
