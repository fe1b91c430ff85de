"""What is asked of other servers about a room's events. Fills `homeserver.rooms.receiving.peers.RoomPeers`.

Server-server API, "Backfilling and retrieving missing events", "Retrieving events", "Retrieving event authorisation information".
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Final, TypeVar

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

from federation.asking.relay import texts_in
from federation.checks import EventChecks
from federation.client import Ask, FederationClient, v1
from federation.errors import FederationError
from federation.slots import Slots
from homeserver.protocol.event import Event
from homeserver.rooms.receiving.peers import StateNames, Subject

SECONDS: Final = 30.0
STATE_SECONDS: Final = 240.0
MOST_BYTES: Final = 16 * 2**20
MOST_STATE_BYTES: Final = 256 * 2**20
MOST_STATE: Final = 300_000  # events
MOST_ASKED: Final = 5  # servers, for one answer
FEW: Final = 20  # events that are asked for one by one
MOST_SINGLE: Final = 200  # that are asked for so although they are many, where the state did not have them
AT_ONCE: Final = 5
T = TypeVar("T")


class FederatedPeers:
    _log = Logger()

    def __init__(self, client: FederationClient, checks: EventChecks) -> None:
        self._client = client
        self._checks = checks

    async def missing_events(self, room: Subject, *, earliest: Sequence[str], latest: Sequence[str], limit: int) -> list[Event]:
        question = {"earliest_events": list(earliest), "latest_events": list(latest), "limit": limit, "min_depth": 0}

        async def ask(server: str) -> list[Event]:
            path = v1("get_missing_events", room.room_id)
            answer = await self._client.post(server, path, question, seconds=SECONDS, most_bytes=MOST_BYTES)
            return await self._sound(room, _list(answer, "events")[:limit])

        return await self._first(room, ask) or []

    async def state_names(self, room: Subject, event_id: str) -> StateNames | None:
        async def ask(server: str) -> StateNames | None:
            path, query = v1("state_ids", room.room_id), {"event_id": event_id}
            answer = await self._client.get(server, path, query, seconds=STATE_SECONDS, most_bytes=MOST_STATE_BYTES)
            names = StateNames(texts_in(answer, "pdu_ids", MOST_STATE), texts_in(answer, "auth_chain_ids", MOST_STATE))
            return names if names.state else None

        return await self._first(room, ask)

    async def events(self, room: Subject, event_ids: Collection[str], *, around: str) -> list[Event]:
        wanted = set(event_ids)
        found: list[Event] = []
        if len(wanted) > FEW:
            found = await self._first(room, lambda server: self._of_state(server, room, around, wanted)) or []
            wanted.difference_update([event.event_id for event in found])
        slots = Slots(AT_ONCE)
        singles = [Deferred.fromCoroutine(self._single(room, event_id, slots)) for event_id in sorted(wanted)[:MOST_SINGLE]]
        answers = await DeferredList(singles, fireOnOneErrback=True, consumeErrors=True)
        return found + [event for _, event in answers if event is not None]

    async def auth_chain(self, room: Subject, event_id: str) -> list[Event]:
        async def ask(server: str) -> list[Event]:
            path = v1("event_auth", room.room_id, event_id)
            answer = await self._client.get(server, path, seconds=STATE_SECONDS, most_bytes=MOST_STATE_BYTES)
            return await self._sound(room, _list(answer, "auth_chain"))

        return await self._first(room, ask) or []

    async def backfill(self, room: Subject, event_ids: Sequence[str], limit: int) -> list[Event]:
        async def ask(server: str) -> list[Event]:
            path, query = v1("backfill", room.room_id), {"v": list(event_ids), "limit": limit}
            answer = await self._client.get(server, path, query, seconds=SECONDS, most_bytes=MOST_BYTES)
            return await self._sound(room, _list(answer, "pdus")[:limit])

        return await self._first(room, ask) or []

    async def _single(self, room: Subject, event_id: str, slots: Slots) -> Event | None:
        async def ask(server: str) -> Event | None:
            answer = await self._client.get(server, v1("event", event_id), seconds=SECONDS, most_bytes=MOST_BYTES)
            found = await self._checks.sound(_list(answer, "pdus")[:1], room.version, room.room_id, {event_id})
            return found[0] if found else None

        async with slots.of(""):
            return await self._first(room, ask)

    async def _of_state(self, server: str, room: Subject, around: str, wanted: Collection[str]) -> list[Event]:
        ask = Ask(
            "GET", server, v1("state", room.room_id), {"event_id": around}, seconds=STATE_SECONDS, most_bytes=MOST_STATE_BYTES
        )  # fmt: skip
        answer = await self._client.ask(ask)
        pdus = [*_list(answer, "auth_chain"), *_list(answer, "pdus")]
        return await self._checks.sound(pdus[:MOST_STATE], room.version, room.room_id, wanted)

    async def _sound(self, room: Subject, pdus: Sequence[Any]) -> list[Event]:
        return await self._checks.sound(pdus[:MOST_STATE], room.version, room.room_id)

    async def _first(self, room: Subject, ask: Callable[[str], Awaitable[T]]) -> T | None:
        """What the first server has that has anything."""
        for server in list(dict.fromkeys(room.servers))[:MOST_ASKED]:
            try:
                answer = await ask(server)
            except FederationError as error:
                self._log.info("{server} was no help with {room}: {error}", server=server, room=room.room_id, error=error.message)
                continue
            if answer:
                return answer
        return None


def _list(answer: dict[str, Any], key: str) -> list[Any]:
    value = answer.get(key)
    return value if isinstance(value, list) else []
