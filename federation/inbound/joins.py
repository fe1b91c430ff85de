"""Users of other servers join: server-server API, "Joining rooms"."""

from collections.abc import AsyncGenerator
from typing import Final

import orjson

from federation.inbound.entry import Entry, check_name
from federation.telling.entrances import Entrances
from federation.telling.pieces import Pieces
from federation.telling.turns import Turns
from homeserver.errors import NotFound
from homeserver.protocol import event_bytes
from homeserver.protocol.event import Event
from homeserver.protocol.ids import EventId, RoomId, UserId
from homeserver.rooms.handshakes.resident import Resident
from homeserver.rooms.store import StoredEvent
from homeserver.web.endpoint import Access, Answer, Body, Rate, Reply, endpoint
from homeserver.web.request import Request

_V1 = "/_matrix/federation/v1"
_V2 = "/_matrix/federation/v2"
OLDEST: Final = ("1",)  # what a server knows that does not say


class JoinEndpoints:
    def __init__(self, *, resident: Resident, entry: Entry, entrances: Entrances, turns: Turns) -> None:
        self._resident = resident
        self._entry = entry
        self._entrances = entrances
        self._turns = turns

    @endpoint("GET", _V1 + "/make_join/{room_id}/{user_id}", access=Access.PEER, rate=Rate.NONE, body=Body.NONE)
    async def make_join(self, request: Request, room_id: RoomId, user_id: UserId) -> Answer:
        check_name(request.peer or "", user_id)
        return await self._resident.template(room_id, user_id, "join", request.query.get("ver", OLDEST))

    @endpoint("PUT", _V2 + "/send_join/{room_id}/{event_id}", access=Access.PEER, rate=Rate.NONE, body=Body.OBJECT)
    async def send_join(self, request: Request, room_id: RoomId, event_id: EventId) -> Answer:
        return await self._join(request, room_id, event_id)

    @endpoint("PUT", _V1 + "/send_join/{room_id}/{event_id}", access=Access.PEER, rate=Rate.NONE, body=Body.OBJECT)
    async def send_join_as_of_old(self, request: Request, room_id: RoomId, event_id: EventId) -> Answer:
        return await self._join(request, room_id, event_id, b"[200,", b"]")

    async def _join(self, request: Request, room_id: str, event_id: str, before: bytes = b"", after: bytes = b"") -> Reply:
        peer = request.peer or ""
        await self._turns.take(peer)
        try:
            event, stored = await self._entry.take_in(peer, request.body, event_id, room_id, "join")
            return await self._state(request, event, stored, before, after)
        except BaseException:
            self._turns.leave(peer)
            raise

    async def _state(self, request: Request, event: Event, stored: StoredEvent, before: bytes, after: bytes) -> Reply:
        if stored.state_before is None:
            raise NotFound("The state before the join is not known here")
        peer, snapshots = request.peer or "", self._entrances.snapshots
        partly = request.flag("omit_members")
        given = await self._entrances.give(stored, stored.state_before, without_members=partly)

        async def written() -> AsyncGenerator[bytes, None]:
            yield before + orjson.dumps(given.about)[:-1]
            yield b',"event":%b,"auth_chain":[' % event_bytes.pdu(*event_bytes.split(event))
            async for piece in snapshots.told(given.snapshot.chain):
                yield piece
            yield b'],"state":['
            async for piece in snapshots.told(given.snapshot.state):
                yield piece
            yield b"]}" + after

        return Reply(Pieces(written(), lambda: self._turns.leave(peer)))
