"""Questions about a room to the servers in it. Fills `homeserver.rooms.receiving.peers.RoomPeers`.

Server-server API, "Backfilling and retrieving missing events", "Retrieving events", "Retrieving event authorisation information".
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Final, TypeVar

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

from federation.asking.relay import texts_in
from federation.asking.sound_events import SoundEvents
from federation.client import FederationClient, Query, v1
from federation.errors import BadAnswer, FederationError
from homeserver.protocol.event import Event
from homeserver.rooms.receiving.peers import StateNames, Subject

SECONDS: Final = 30.0
STATE_SECONDS: Final = 120.0
MOST_BYTES: Final = 16 * 2**20
MOST_STATE_BYTES: Final = 256 * 2**20
MOST_ASKED: Final = 4  # servers, for one thing
MOST_NAMES: Final = 500_000
FEW: Final = 60  # events that are asked for one by one
AT_ONCE: Final = 10
T = TypeVar("T")


class FederatedPeers:
    _log = Logger()

    def __init__(self, client: FederationClient, sound: SoundEvents, server_name: str) -> None:
        self._client = client
        self._sound = sound
        self._server_name = server_name

    async def missing_events(self, room: Subject, *, earliest: Sequence[str], latest: Sequence[str], limit: int) -> list[Event]:
        body = {"earliest_events": list(earliest), "latest_events": list(latest), "limit": limit, "min_depth": 0}

        async def ask(server: str) -> list[Event]:
            answer = await self._client.post(server, v1("get_missing_events", room.room_id), body, seconds=SECONDS, most_bytes=MOST_BYTES)
            return await self._among(room, server, _list(answer, "events")[:limit])

        return await self._first(room, ask) or []

    async def state_names(self, room: Subject, event_id: str) -> StateNames | None:
        async def ask(server: str) -> StateNames | None:
            query = {"event_id": event_id}
            answer = await self._client.get(server, v1("state_ids", room.room_id), query, seconds=STATE_SECONDS, most_bytes=MOST_BYTES)
            state = texts_in(answer, "pdu_ids", MOST_NAMES)
            return StateNames(state, texts_in(answer, "auth_chain_ids", MOST_NAMES), server) if state else None

        return await self._first(room, ask)

    async def events(self, room: Subject, event_ids: Collection[str], *, around: str) -> list[Event]:
        wanted = dict.fromkeys(event_ids)
        found: dict[str, Event] = {}
        if len(wanted) > FEW:
            told = await self._first(room, lambda server: self._state(room, server, around))
            found = {event.event_id: event for event in told or () if event.event_id in wanted}
        for server in self._others(room):
            lacking = [event_id for event_id in wanted if event_id not in found][:FEW]
            for start in range(0, len(lacking), AT_ONCE):
                asked = [Deferred.fromCoroutine(self._one(room, server, event_id)) for event_id in lacking[start : start + AT_ONCE]]
                for _, event in await DeferredList(asked, fireOnOneErrback=True, consumeErrors=True):
                    if event is not None:
                        found[event.event_id] = event
        return list(found.values())

    async def auth_chain(self, room: Subject, event_id: str) -> list[Event]:
        async def ask(server: str) -> list[Event]:
            path = v1("event_auth", room.room_id, event_id)
            answer = await self._client.get(server, path, seconds=STATE_SECONDS, most_bytes=MOST_STATE_BYTES)
            return await self._among(room, server, _list(answer, "auth_chain"))

        return await self._first(room, ask) or []

    async def backfill(self, room: Subject, event_ids: Sequence[str], limit: int) -> list[Event]:
        async def ask(server: str) -> list[Event]:
            query: Query = {"v": list(event_ids), "limit": limit}
            answer = await self._client.get(server, v1("backfill", room.room_id), query, seconds=SECONDS, most_bytes=MOST_BYTES)
            return await self._among(room, server, _list(answer, "pdus")[:limit])

        return await self._first(room, ask) or []

    async def state(self, room: Subject, event_id: str) -> list[Event] | None:
        async def ask(server: str) -> list[Event]:
            telling = Deferred.fromCoroutine(self._state(room, server, event_id))
            giving = Deferred.fromCoroutine(self._one(room, server, event_id))
            told = await telling
            event = await giving
            return told if event is None else [*told, event]

        return await self._first(room, ask)

    async def _state(self, room: Subject, server: str, event_id: str) -> list[Event]:
        query = {"event_id": event_id}
        answer = await self._client.get(server, v1("state", room.room_id), query, seconds=STATE_SECONDS, most_bytes=MOST_STATE_BYTES)
        return await self._among(room, server, [*_list(answer, "pdus"), *_list(answer, "auth_chain")])

    async def _one(self, room: Subject, server: str, event_id: str) -> Event | None:
        """None when that server has no such event, or gives another."""
        try:
            answer = await self._client.get(server, v1("event", event_id), seconds=SECONDS, most_bytes=MOST_BYTES)
            events = await self._among(room, server, _list(answer, "pdus")[:1])
        except FederationError as error:
            self._log.debug("{server} gives no {event}: {error}", server=server, event=event_id, error=str(error))
            return None
        return events[0] if events and events[0].event_id == event_id else None

    async def _among(self, room: Subject, server: str, pdus: Sequence[Any]) -> list[Event]:
        return await self._sound.among(pdus, room.room_id, room.version, told_by=server)

    async def _first(self, room: Subject, ask: Callable[[str], Awaitable[T]]) -> T | None:
        """The answer of the first server that has one."""
        for server in self._others(room):
            try:
                answer = await ask(server)
            except FederationError as error:
                self._log.debug("{server} does not tell of {room}: {error}", server=server, room=room.room_id, error=str(error))
                continue
            if answer:
                return answer
        return None

    def _others(self, room: Subject) -> list[str]:
        return [server for server in dict.fromkeys(room.servers) if server != self._server_name][:MOST_ASKED]


def _list(answer: dict[str, Any], key: str) -> list[Any]:
    """Raises BadAnswer."""
    value = answer.get(key)
    if not isinstance(value, list):
        raise BadAnswer
    return value
