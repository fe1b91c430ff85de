"""The state of a room at an event, also asked for ahead of who will want it: while a join is stored, the rest of the room is on its way.

Server-server API, "GET /state". Nothing is made of an answer before it is taken, and one that nobody takes is forgotten.
"""

from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from federation.client import FederationClient, v1
from federation.errors import FederationError
from homeserver.clock import Clock

SECONDS: Final = 120.0
MOST_BYTES: Final = 256 * 2**20
MOST_AHEAD: Final = 4
KEPT_S: Final = 10.0
Key = tuple[str, str, str]  # server, room, event


class StatesAsked:
    def __init__(self, client: FederationClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._ahead: dict[Key, Deferred[dict[str, Any]]] = {}

    async def of(self, server: str, room_id: str, event_id: str) -> dict[str, Any]:
        """The answer as it came. Raises FederationError."""
        asked = self._ahead.pop((server, room_id, event_id), None)
        return await (self._ask(server, room_id, event_id) if asked is None else asked)

    def ask_ahead(self, server: str, room_id: str, event_id: str) -> None:
        """Somebody will take the answer in a moment."""
        key = (server, room_id, event_id)
        if len(self._ahead) < MOST_AHEAD and key not in self._ahead:
            self._ahead[key] = asked = Deferred.fromCoroutine(self._ask(*key))
            self._clock.call_later(KEPT_S, self._forget, key, asked)

    async def _ask(self, server: str, room_id: str, event_id: str) -> dict[str, Any]:
        return await self._client.get(server, v1("state", room_id), {"event_id": event_id}, seconds=SECONDS, most_bytes=MOST_BYTES)

    def _forget(self, key: Key, asked: Deferred[dict[str, Any]]) -> None:
        if self._ahead.get(key) is asked:
            del self._ahead[key]
            asked.addErrback(_unwanted)
            asked.cancel()


def _unwanted(failure: Failure) -> None:
    failure.trap(FederationError, CancelledError)
