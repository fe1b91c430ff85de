"""What stands around an event (client-server API, "Event Context"), and the event nearest to a moment ("timestamp_to_event")."""

from typing import NamedTuple

from homeserver.errors import NotFound
from homeserver.protocol.event import StateKey
from homeserver.protocol.filters import RoomEventFilter
from homeserver.rooms.reading.fill import Filled
from homeserver.rooms.reading.history import History, Seen
from homeserver.rooms.reading.paging import PageQuestion, Paging
from homeserver.rooms.reading.paging_store import OlderHistory, OtherMoments, PagingStore
from homeserver.rooms.reading.place import BEGINNING, Place, Span, after, before
from homeserver.rooms.reading.single import SingleEvents
from homeserver.rooms.reading.wanted import EVERYTHING, accepts
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import MemberRecord, StoredEvent

MEMBER = "m.room.member"
CANDIDATES = 50  # events looked at at once for the nearest to a moment
MAX_ROUNDS = 20
MAX_FETCHES = 20  # of older history, to reach a moment


class Context(NamedTuple):
    """`earlier`: the nearest first. `state`: at the last of all these events."""

    start: Place
    end: Place
    earlier: list[Seen]
    event: Seen
    later: list[Seen]
    state: list[StoredEvent]


class Beside(NamedTuple):
    """`earlier`: the nearest first."""

    start: Place
    end: Place
    earlier: list[Seen]
    later: list[Seen]


class Contexts:
    def __init__(
        self,
        *,
        paging: Paging,
        single: SingleEvents,
        store: PagingStore,
        history: History,
        states: StateReader,
        older: OlderHistory,
        moments: OtherMoments,
    ) -> None:
        self._paging = paging
        self._single = single
        self._store = store
        self._history = history
        self._states = states
        self._older = older
        self._moments = moments

    async def around(self, user_id: str, room_id: str, event_id: str, limit: int, wanted: RoomEventFilter) -> Context:
        """Up to `limit` events besides the one; M_NOT_FOUND for one the user may not see."""
        event = await self._single.get(user_id, event_id, room_id)
        beside = await self.beside(user_id, event.event, limit // 2, limit - limit // 2, wanted)
        shown = [*reversed(beside.earlier), event, *beside.later]
        state = await self._state(room_id, shown, wanted)
        return Context(beside.start, beside.end, beside.earlier, event, beside.later, state)

    async def beside(self, user_id: str, event: StoredEvent, earlier: int, later: int, wanted: RoomEventFilter = EVERYTHING) -> Beside:
        """Up to so many events before and after one that the user may see."""
        member = await self._history.may_read(user_id, event.room_id)
        back = PageQuestion(user_id, event.room_id, True, limit=earlier, wanted=wanted)
        forth = PageQuestion(user_id, event.room_id, False, limit=later, wanted=wanted)
        past = await self._read(back, member, Span().up_to(before(event)))
        future = await self._read(forth, member, Span().after(after(event)))
        start = past.end or before(past.last or event)
        end = future.end or after(future.last or event)
        return Beside(start, end, past.seen, future.seen)

    async def _read(self, question: PageQuestion, member: MemberRecord | None, span: Span) -> Filled:
        if question.limit == 0:
            return Filled([], None, None)
        return await self._paging.between(question, member, span)

    async def _state(self, room_id: str, shown: list[Seen], wanted: RoomEventFilter) -> list[StoredEvent]:
        root = shown[-1].event.root_after
        if root is None:
            return []
        state = await self._lazily(room_id, root, shown) if wanted.lazy_load_members else await self._states.all(root)
        return state if wanted.is_trivial else [event for event in state if accepts(wanted, event)]

    async def _lazily(self, room_id: str, root: bytes, shown: list[Seen]) -> list[StoredEvent]:
        """The state without members but the senders: what is current, corrected by what differs."""
        current = await self._store.current_root(room_id)
        if current is None:
            return []
        come, gone = await self._states.changes(current, root)
        dropped = set(gone)
        events = [event for event in await self._store.current_events(room_id) if event.num not in dropped]
        events.extend(event for event in (await self._states.events(come)).values() if event.type != MEMBER)
        addresses: set[StateKey] = {(MEMBER, seen.event.sender) for seen in shown}
        members = await self._states.at(root, addresses)
        return sorted((*events, *members.values()), key=lambda event: event.num)

    async def nearest(self, user_id: str, room_id: str, ts: int, *, backwards: bool) -> StoredEvent:
        """The event sent at that time, or next to it in the direction, that the user may see; M_NOT_FOUND."""
        member = await self._history.may_read(user_id, room_id)
        found = await self._nearest(user_id, member, room_id, ts, backwards)
        if await self._older.is_missing(room_id) and await self._reach_back(room_id, ts, found, backwards):
            found = await self._nearest(user_id, member, room_id, ts, backwards)
        if found is None:
            raise NotFound(f"There is no event {'before' if backwards else 'after'} that time")
        return found

    async def _reach_back(self, room_id: str, ts: int, found: StoredEvent | None, backwards: bool) -> bool:
        """Where others know something nearer, our history grows until that is in it; whether it grew."""
        told = await self._moments.nearest(room_id, ts, backwards=backwards)
        if told is None or (told > ts if backwards else told < ts):
            return False
        if found is not None and abs(told - ts) >= abs(found.ts - ts):
            return False
        grown = False
        for _ in range(MAX_FETCHES):
            if await self._store.nearest(room_id, told, backwards=True, limit=1, skip=0):
                break  # our history goes back beyond that
            if not await self._older.fetch(room_id, BEGINNING):
                break
            grown = True
        return grown

    async def _nearest(self, user_id: str, member: MemberRecord | None, room_id: str, ts: int, backwards: bool) -> StoredEvent | None:
        for round_ in range(MAX_ROUNDS):
            events = await self._store.nearest(room_id, ts, backwards=backwards, limit=CANDIDATES, skip=round_ * CANDIDATES)
            seen = await self._history.visible_to(user_id, member, events)
            if seen:
                return seen[0].event
            if len(events) < CANDIDATES:
                break
        return None
