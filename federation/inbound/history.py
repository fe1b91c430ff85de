"""A room's past, for other servers: server-server API, "Backfilling and retrieving missing events"."""

from typing import Any

from federation.telling.turns import Turns
from federation.telling.walks import MOST_BACK, MOST_MISSING, GraphWalks
from homeserver.clock import Clock
from homeserver.errors import BadJson, InvalidParam, MissingParam
from homeserver.protocol.ids import RoomId
from homeserver.rooms.servers.history import ServerHistory
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request

MOST_NAMED = 100  # events that one question may name
DEFAULT_MISSING = 10


class HistoryEndpoints:
    def __init__(self, *, server_name: str, history: ServerHistory, walks: GraphWalks, turns: Turns, clock: Clock) -> None:
        self._server_name = server_name
        self._history = history
        self._walks = walks
        self._turns = turns
        self._clock = clock

    @endpoint("GET", "/_matrix/federation/v1/backfill/{room_id}", access=Access.PEER, rate=Rate.NONE, body=Body.NONE)
    async def backfill(self, request: Request, room_id: RoomId) -> Answer:
        peer, named = request.peer or "", list(dict.fromkeys(request.query.get("v", ())))
        request.required("limit")
        limit = min(request.integer("limit", 0), MOST_BACK)
        if not named:
            raise MissingParam("v must name events")
        if len(named) > MOST_NAMED:
            raise InvalidParam(f"At most {MOST_NAMED} events can be named")
        async with self._turns.hold(peer):
            await self._history.check(peer, room_id)
            pdus = await self._walks.before(peer, room_id, named, limit)
        now_ms = self._clock.now_ms()
        return b'{"origin":"%b","origin_server_ts":%d,"pdus":[%b]}' % (self._server_name.encode(), now_ms, b",".join(pdus))

    @endpoint("POST", "/_matrix/federation/v1/get_missing_events/{room_id}", access=Access.PEER, rate=Rate.NONE, body=Body.OBJECT)
    async def missing(self, request: Request, room_id: RoomId) -> Answer:
        peer, body = request.peer or "", request.body
        latest, earliest = _named(body, "latest_events"), _named(body, "earliest_events")
        limit, min_depth = _number(body, "limit", DEFAULT_MISSING), _number(body, "min_depth", 0)
        async with self._turns.hold(peer):
            await self._history.check(peer, room_id)
            events = await self._walks.between(peer, room_id, latest, earliest, limit=min(limit, MOST_MISSING), min_depth=min_depth)
        return b'{"events":[%b]}' % b",".join(events)


def _named(body: dict[str, Any], key: str) -> list[str]:
    named = body.get(key)
    if named is None:
        raise MissingParam(f"Missing: {key}")
    if not isinstance(named, list) or not all(isinstance(event_id, str) for event_id in named):
        raise BadJson(f"{key} must be a list of event IDs")
    return named[:MOST_NAMED]


def _number(body: dict[str, Any], key: str, default: int) -> int:
    value = body.get(key, default)
    if type(value) is not int:
        raise BadJson(f"{key} must be an integer")
    return max(value, 0)
