"""Events and states that other servers ask for: server-server API, "Retrieving events", "Retrieving event authorisation information"."""

from array import array
from collections.abc import AsyncGenerator

from federation.room_acls import RoomAcls
from federation.telling.pieces import Pieces
from federation.telling.snapshots import Snapshots
from federation.telling.turns import Turns
from federation.telling.walks import EventReads, GraphWalks
from homeserver.clock import Clock
from homeserver.errors import Forbidden, NotFound
from homeserver.protocol.ids import EventId, RoomId
from homeserver.rooms.reading.paging_store import PagingStore
from homeserver.rooms.servers.history import ServerHistory
from homeserver.rooms.store import PARTIAL, REJECTED, StoredEvent
from homeserver.web.endpoint import Access, Answer, Body, Rate, Reply, endpoint
from homeserver.web.request import Request

_V1 = "/_matrix/federation/v1"
CANDIDATES = 50  # events looked at at once for the nearest to a moment
MAX_ROUNDS = 4


class EventEndpoints:
    def __init__(
        self,
        *,
        server_name: str,
        store: EventReads,
        pages: PagingStore,
        history: ServerHistory,
        walks: GraphWalks,
        snapshots: Snapshots,
        turns: Turns,
        small_turns: Turns,
        acls: RoomAcls,
        clock: Clock,
    ) -> None:
        self._server_name = server_name
        self._store = store
        self._pages = pages
        self._history = history
        self._walks = walks
        self._snapshots = snapshots
        self._turns = turns
        self._small_turns = small_turns
        self._acls = acls
        self._clock = clock

    @endpoint("GET", _V1 + "/event/{event_id}", access=Access.PEER, rate=Rate.NONE, body=Body.NONE)
    async def event(self, request: Request, event_id: EventId) -> Answer:
        peer = request.peer or ""
        async with self._small_turns.hold(peer):
            event = await self._known(event_id)
            if not await self._acls.allows(peer, event.room_id):
                raise Forbidden("Your server is not allowed in this room")
            if not await self._history.may_ask(peer, event.room_id):
                raise NotFound("There is no such event")
            told = await self._walks.told(peer, event.room_id, [event])
        if not told:
            raise NotFound("There is no such event")
        return _transaction(self._server_name, self._clock.now_ms(), told)

    @endpoint("GET", _V1 + "/state/{room_id}", access=Access.PEER, rate=Rate.NONE, body=Body.NONE)
    async def state(self, request: Request, room_id: RoomId) -> Answer:
        peer = request.peer or ""
        await self._turns.take(peer)
        try:
            snapshot = await self._snapshots.of_state(await self._root_before(request, room_id))
        except BaseException:
            self._turns.leave(peer)
            raise
        return self._in_pieces(peer, snapshot.chain, snapshot.state)

    @endpoint("GET", _V1 + "/state_ids/{room_id}", access=Access.PEER, rate=Rate.NONE, body=Body.NONE)
    async def state_ids(self, request: Request, room_id: RoomId) -> Answer:
        async with self._turns.hold(request.peer or ""):
            return (await self._snapshots.of_state(await self._root_before(request, room_id))).ids

    @endpoint("GET", _V1 + "/event_auth/{room_id}/{event_id}", access=Access.PEER, rate=Rate.NONE, body=Body.NONE)
    async def event_auth(self, request: Request, room_id: RoomId, event_id: EventId) -> Answer:
        peer = request.peer or ""
        await self._turns.take(peer)
        try:
            await self._history.check(peer, room_id)
            event = await self._known(event_id, room_id)
            snapshot = await self._snapshots.of_event(event.event_id)
        except BaseException:
            self._turns.leave(peer)
            raise
        return self._in_pieces(peer, snapshot.chain)

    @endpoint("GET", _V1 + "/timestamp_to_event/{room_id}", access=Access.PEER, rate=Rate.NONE, body=Body.NONE)
    async def at_moment(self, request: Request, room_id: RoomId) -> Answer:
        request.required("ts")
        backwards = request.choice("dir", ("f", "b")) == "b"
        ts, peer = request.integer("ts", 0), request.peer or ""
        async with self._small_turns.hold(peer):
            await self._history.check(peer, room_id)
            for round_ in range(MAX_ROUNDS):
                events = await self._pages.nearest(room_id, ts, backwards=backwards, limit=CANDIDATES, skip=round_ * CANDIDATES)
                for event, shown in zip(events, await self._history.are_shown(peer, room_id, events), strict=True):
                    if shown and event.is_shown:
                        return {"event_id": event.event_id, "origin_server_ts": event.ts}
                if len(events) < CANDIDATES:
                    break
        raise NotFound(f"There is no event {'before' if backwards else 'after'} that time")

    async def _known(self, event_id: str, room_id: str | None = None) -> StoredEvent:
        event = (await self._store.events([event_id])).get(event_id)
        if event is None or event.flags & REJECTED or room_id not in (None, event.room_id):
            raise NotFound("There is no such event")
        return event

    async def _root_before(self, request: Request, room_id: str) -> bytes:
        """The state at the event that the query names."""
        event_id = EventId.parse(request.required("event_id"))
        await self._history.check(request.peer or "", room_id)
        event = await self._known(event_id, room_id)
        if event.state_before is None:
            raise NotFound("The state at this event is not known here")
        if event.flags & PARTIAL:
            raise Forbidden("This server does not know the whole state of the room yet")
        return event.state_before

    def _in_pieces(self, peer: str, chain: "array[int]", state: "array[int] | None" = None) -> Reply:
        async def written() -> AsyncGenerator[bytes, None]:
            yield b'{"auth_chain":['
            async for piece in self._snapshots.told(chain):
                yield piece
            if state is not None:
                yield b'],"pdus":['
                async for piece in self._snapshots.told(state):
                    yield piece
            yield b"]}"

        return Reply(Pieces(written(), lambda: self._turns.leave(peer)))


def _transaction(server_name: str, now_ms: int, pdus: list[bytes]) -> bytes:
    return b'{"origin":"%b","origin_server_ts":%d,"pdus":[%b]}' % (server_name.encode(), now_ms, b",".join(pdus))
