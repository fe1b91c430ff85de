"""Pages of a room's history (client-server API, "GET /rooms/{roomId}/messages").

The order is that of the graph, (topo, position): where it was split and joined again it differs from the order of /sync.
"""

from collections.abc import Sequence
from typing import NamedTuple

from homeserver.protocol.event import StateKey
from homeserver.protocol.filters import RoomEventFilter
from homeserver.protocol.visibility import WORLD_READABLE, effective
from homeserver.rooms.reading.fill import Filled, fill, place_beyond
from homeserver.rooms.reading.history import VISIBILITY, History, Seen
from homeserver.rooms.reading.paging_store import Ignoring, OlderHistory, PagingStore
from homeserver.rooms.reading.place import BEGINNING, Place, Span, in_graph
from homeserver.rooms.reading.timeline_store import TimelineStore
from homeserver.rooms.reading.wanted import EVERYTHING, choose
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import MemberRecord, StoredEvent
from homeserver.streams import Streams

MAX_PAGE = 1_000
MAX_FETCHES = 5  # questions to other servers for one page
NEAR = 2_000  # positions of the stream that may be stepped over without leaving the loop's thread


class PageQuestion(NamedTuple):
    """`start` None: from the newest event backwards, or from the oldest forwards."""

    user_id: str
    room_id: str
    backwards: bool
    start: Place | None = None
    stop: Place | None = None
    limit: int = 10
    wanted: RoomEventFilter = EVERYTHING


class Page(NamedTuple):
    """`end` None: there is nothing further for this user."""

    start: Place
    end: Place | None
    seen: list[Seen]


class Paging:
    """Reads pages."""

    def __init__(
        self,
        *,
        store: PagingStore,
        timelines: TimelineStore,
        history: History,
        states: StateReader,
        ignoring: Ignoring,
        older: OlderHistory,
        streams: Streams,
    ) -> None:
        self._store = store
        self._timelines = timelines
        self._history = history
        self._states = states
        self._ignoring = ignoring
        self._older = older
        self._streams = streams

    async def page(self, question: PageQuestion) -> Page:
        """M_FORBIDDEN for who may not read in the room."""
        member = await self._history.may_read(question.user_id, question.room_id)
        start = question.start
        if start is None:
            start = Place(self._streams.position) if question.backwards else BEGINNING
        first, last = (question.stop, start) if question.backwards else (start, question.stop)
        span = Span().after(first).up_to(last)
        filled = await self.between(question, member, span)
        if question.backwards and question.stop is None:
            filled = await self._with_older(question, member, span, filled)
        return Page(start, filled.end or await self._unwanted_rest(question, member, filled), filled.seen)

    async def _unwanted_rest(self, question: PageQuestion, member: MemberRecord | None, filled: Filled) -> Place | None:
        """Where the page ends, when the filter alone passed over what is beyond: with another filter there is something to read from there."""
        last, seen = filled.last, filled.seen
        if not seen or last is None or last.event_id == seen[-1].event.event_id or question.wanted.is_trivial:
            return None
        if await choose([last], question.wanted, await self._ignoring.ignored(question.user_id), self._store):
            return None
        return (
            place_beyond(seen[-1].event, question.backwards) if await self._history.visible_to(question.user_id, member, [last]) else None
        )

    async def between(self, question: PageQuestion, member: MemberRecord | None, span: Span) -> Filled:
        """What the user sees of the span; `start` and `stop` of the question do not count here."""
        ignored = await self._ignoring.ignored(question.user_id)
        span = span.up_to(await self._horizon(question.room_id, member))
        far = span.until < self._streams.position - NEAR
        if not question.backwards and span.since > BEGINNING.position:
            lowest = await self._store.lowest_topo(question.room_id, span.since)
            if lowest is None:
                return Filled([], None, None)
            span = span.after(Place(BEGINNING.position, lowest))

        async def read(rest: Span, limit: int) -> list[StoredEvent]:
            return await self._store.page(question.room_id, rest, backwards=question.backwards, limit=limit, far=far)

        async def judge(events: list[StoredEvent]) -> list[Seen]:
            chosen = await choose(events, question.wanted, ignored, self._store)
            return await self._history.visible_to(question.user_id, member, chosen)

        limit = question.limit if question.wanted.limit is None else min(question.limit, question.wanted.limit)
        return await fill(read, judge, span, backwards=question.backwards, limit=min(max(limit, 1), MAX_PAGE))

    async def senders(self, seen: Sequence[Seen]) -> list[StoredEvent]:
        """The membership events of those whose events are shown, at the latest of them: "Lazy-loading room members"."""
        if not seen:
            return []
        latest = max((item.event for item in seen), key=lambda event: (event.topo or 0, event.position or 0))
        if latest.root_after is None:
            return []
        addresses: set[StateKey] = {("m.room.member", item.event.sender) for item in seen}
        found = await self._states.at(latest.root_after, addresses)
        return [found[address] for address in sorted(found)]

    async def _horizon(self, room_id: str, member: MemberRecord | None) -> Place | None:
        """The place after which somebody who left sees nothing."""
        if member is None or member.membership not in ("leave", "ban"):
            return None
        current = (await self._timelines.current_state(room_id, [VISIBILITY])).get(VISIBILITY)
        if current is not None and effective(current.content.get("history_visibility")) == WORLD_READABLE:
            return None
        return Place(member.position)

    async def _with_older(self, question: PageQuestion, member: MemberRecord | None, span: Span, filled: Filled) -> Filled:
        """Where our history has a gap, or ends too early, other servers may know more. What they do not know is passed over."""
        limit = min(question.limit, MAX_PAGE)
        seen: list[Seen] = []
        sought = span
        for _ in range(MAX_FETCHES):
            gap = await self._older.gap(question.room_id, sought if filled.end is None else sought.after(filled.end))
            if gap is None:
                break
            above = [item for item in filled.seen if in_graph(item.event) > (gap.topo or 0, gap.position)]
            if len(seen) + len(above) >= limit:
                return Filled(seen + above, gap, above[-1].event if above else None)
            if not await self._older.fetch(question.room_id, gap):  # nobody knows it, or can vouch for it: what comes before may be known
                sought = span.up_to(Place(gap.position - 1, gap.topo))
                continue
            seen += above
            sought = span = span.up_to(gap)
            filled = await self.between(question._replace(limit=limit - len(seen)), member, span)
        else:
            rest = span if filled.last is None else span.beyond(filled.last, backwards=True)
            return Filled(seen + filled.seen, filled.end or rest.top, filled.last)
        return Filled(seen + filled.seen, filled.end, filled.last)
