"""History from before this server was in the room, asked of those who were (server-server API, "Backfilling"). Fills `reading.paging_store.OlderHistory`.

Each event is judged by the state it stands in, like every other, and comes to stand before all that was known of the room.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush

from homeserver.protocol.auth_rules import check_event, judging_state
from homeserver.protocol.errors import MissingEvents, NotAuthorised
from homeserver.protocol.event import Event
from homeserver.rooms import state_map
from homeserver.rooms.append import stored_event
from homeserver.rooms.head import RoomHead, RoomHeads
from homeserver.rooms.notice import notice_of
from homeserver.rooms.reading.place import Place, Span, in_graph
from homeserver.rooms.reading.place import before as place_before
from homeserver.rooms.receiving.admit import check_by_auth_events
from homeserver.rooms.receiving.gather import Gathering
from homeserver.rooms.receiving.order import LEAP, by_time, cited_first
from homeserver.rooms.receiving.outliers import Gathered, Outliers
from homeserver.rooms.receiving.peers import RoomPeers, Subject
from homeserver.rooms.receiving.redact import Redacting
from homeserver.rooms.receiving.resolve import Resolved, Resolver
from homeserver.rooms.relations import relation_of, thread_root
from homeserver.rooms.room_lock import RoomLocks
from homeserver.rooms.send import on_disk
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import OUTLIER, PARTIAL, REJECTED, EventCommit, RoomRecord, RoomStore, StoredEvent

AT_ONCE = 100  # events of one answer
MAX_TRIES = 3  # to bring in what others bring in at the same time
MAX_ASKED = 20  # oldest events of the room that are asked beyond


class OldHistory:
    def __init__(
        self,
        *,
        store: RoomStore,
        heads: RoomHeads,
        locks: RoomLocks,
        states: StateReader,
        resolver: Resolver,
        gathering: Gathering,
        outliers: Outliers,
        peers: RoomPeers,
        servers: Callable[[str], Awaitable[Sequence[str]]],
        queues: RoomLocks,
    ) -> None:
        """`servers`: who else is in a room; `queues`: of what arrives in each room."""
        self._store = store
        self._heads = heads
        self._locks = locks
        self._states = states
        self._resolver = resolver
        self._gathering = gathering
        self._outliers = outliers
        self._peers = peers
        self._servers = servers
        self._redacting = Redacting(store=store, states=states)
        self._queues = RoomLocks()
        self._arriving = queues

    async def is_missing(self, room_id: str) -> bool:
        """See `OlderHistory`."""
        return bool(await self._store.backward_extremities(room_id))

    async def gap(self, room_id: str, span: Span) -> Place | None:
        """See `OlderHistory`."""
        after = [event for _, event in await self._store.backward_extremities(room_id) if span.meets(event)]
        return place_before(max(after, key=in_graph)) if after else None

    async def fetch(self, room_id: str, before: Place) -> bool:
        """See `OlderHistory`."""
        async with self._queues.hold(room_id):
            room = await self._store.room(room_id)
            missing = await self._store.backward_extremities(room_id)
            if room is None or not missing:
                return False
            limits = _limits(missing)
            missing = _at_gap(missing, before)
            subject = Subject(room_id, room.version, await self._servers(room_id))
            asked = list(dict.fromkeys(name for name, _ in missing))[:MAX_ASKED]
            found = (await self._peers.backfill(subject, asked, AT_ONCE))[:AT_ONCE]
            taken = None
            for _ in range(MAX_TRIES):
                taken = await self._take(room, subject, found, dict(missing), limits)
                if taken is not None:
                    break
            return bool(taken)

    async def _take(
        self, room: RoomRecord, subject: Subject, events: Sequence[Event], named: Mapping[str, StoredEvent], limits: Mapping[str, int]
    ) -> bool | None:
        """`named`: what is missing, and the event that names it; `limits`: below which place, also of other gaps.

        None: some of it has come in another way meanwhile.
        """
        known = await self._store.events([event.event_id for event in events])
        gathered = Gathered()
        gathered.add_known(room.room_num, known)
        new = {e.event_id: e for e in events if e.event_id not in known or known[e.event_id].state_before is None}
        new = {event_id: event for event_id, event in new.items() if event_id not in gathered.foreign}
        if not new:
            return False
        cited = {name for event in new.values() for name in (*event.prev_events, *event.auth_events)}
        gathered.add_known(room.room_num, await self._store.events(cited))
        await self._gathering.take(room, subject, [event for event in new.values() if event.state_key is not None], gathered)
        lacking = [name for event in new.values() for name in event.auth_events if gathered.get(name) is None]
        if lacking:
            await self._gathering.take(room, subject, await self._peers.events(subject, set(lacking), around=next(iter(new))), gathered)
        ordered = cited_first(new.values(), by_time)
        after = await self._states_beyond(room, subject, ordered, gathered, _states_implied(ordered, named))
        topos = _topos(ordered, limits, max(one.topo or 0 for one in named.values()))
        async with self._arriving.hold(room.room_id):
            if await self._is_overtaken(new, gathered):
                return None
            async with self._locks.hold(room.room_id):
                head = await self._heads.get(room.room_id)
                commits = await self._place(head, ordered, gathered, after, topos)
                if not commits:
                    return False
                pending = self._store.commit([*self._outliers.commits(gathered, head.lineage), *commits])
            await on_disk(pending)
        return True

    async def _is_overtaken(self, new: Collection[str], gathered: Gathered) -> bool:
        """What was asked for took its time, and the room was free: events may have come, or be known in whole that were known in part."""
        known = gathered.known
        in_part = [name for name, one in known.items() if one.flags & PARTIAL]
        for name, one in (await self._store.events({*new, *gathered.fresh, *in_part})).items():
            then = known.get(name)
            if then is None or (then.state_before is None and one.state_before is not None) or (then.flags & ~one.flags & PARTIAL):
                return True
        return False

    async def _states_beyond(
        self, room: RoomRecord, subject: Subject, ordered: Sequence[Event], gathered: Gathered, implied: Mapping[str, Resolved]
    ) -> dict[str, Resolved]:
        """The states after those predecessors that did not come along."""
        here = {event.event_id for event in ordered}
        after = dict(implied)
        for event in ordered:
            for name in event.prev_events:
                known = gathered.known.get(name)
                if name in here or name in after or (known is not None and known.state_before is not None):
                    continue
                found = await self._gathering.state_after(room, subject, name, gathered)
                if found is not None:
                    after[name] = found
        return after

    async def _place(
        self, head: RoomHead, ordered: Sequence[Event], gathered: Gathered, after: dict[str, Resolved], topos: dict[str, int]
    ) -> list[EventCommit]:
        """Commits from the newest to the oldest, as positions count down."""
        placed: dict[str, StoredEvent] = {}
        commits: list[EventCommit] = []
        redactions = (await self._store.foretold(head.room_id, topos)).redactions
        for event in ordered:
            roots, nodes, gaps, built_on = list[bytes](), dict[bytes, bytes](), list[str](), list[StoredEvent]()
            for name in event.prev_events:
                known = placed.get(name) or gathered.known.get(name)
                if known is not None and known.root_after is not None:
                    roots.append(known.root_after)
                    built_on.append(known)
                elif name in after:
                    roots.append(after[name].root)
                    nodes.update(after[name].nodes)
                if name not in placed and (known is None or known.flags & OUTLIER):
                    gaps.append(name)
            if event.prev_events and not roots:
                continue
            before = await self._resolver.resolve(head.version, roots, gathered.fresh) if roots else Resolved(state_map.EMPTY, {})
            commit = await self._commit(head, event, before, gathered, topos[event.event_id])
            if any(known.flags & PARTIAL for known in built_on):
                commit.event.flags |= PARTIAL
            commit.nodes = {**nodes, **commit.nodes}
            if commit.event.is_shown:
                await self._redacting.redact(head, commit, gathered.fresh, redactions.get(event.event_id, ()))
            commit.gaps = gaps
            placed[event.event_id] = gathered.fresh[event.event_id] = commit.event
            commits.append(commit)
        commits.reverse()
        return commits

    async def _commit(self, head: RoomHead, event: Event, before: Resolved, gathered: Gathered, topo: int) -> EventCommit:
        outlier = gathered.known.get(event.event_id)
        unstored = gathered.fresh.get(event.event_id)
        record = outlier or unstored
        num = self._store.take_event_num() if record is None else record.num
        stored = stored_event(num, head.room_num, event, topo=topo, state_before=before.root)
        commit = EventCommit(
            stored, head.lineage, is_history=True, is_known=outlier is not None, nodes=before.nodes, becomes_extremity=False
        )
        try:
            check_by_auth_events(event, {n: found for n in event.auth_events if (found := gathered.get(n)) is not None}, head.create.event)
            state = await self._states.at(before.root, judging_state(event))
            check_event(event, {address: found.event for address, found in state.items()}, create=head.create.event)
        except (NotAuthorised, MissingEvents):
            stored.flags |= REJECTED
            return commit
        if event.state_key is not None:
            self._states.keep(stored)
            stored.state_after, more = await self._states.update(before.root, {event.address: num})
            commit.nodes = {**commit.nodes, **more}
        commit.relation = relation_of(event.content)
        stored.notifies = int(notice_of(event.type, event.state_key, event.content).notifies)
        stored.thread = thread_root(commit.relation)
        return commit


def _at_gap(missing: Sequence[tuple[str, StoredEvent]], before: Place | None) -> list[tuple[str, StoredEvent]]:
    """What is missing there, or anywhere: what is named by the newest events first, and nothing of another gap."""
    ordered = sorted(missing, key=lambda pair: in_graph(pair[1]), reverse=True)
    if before is not None and before.topo is not None:
        ordered = [pair for pair in ordered if in_graph(pair[1]) <= (before.topo, before.position + 1)] or ordered
    newest = ordered[0][1].topo or 0
    return [pair for pair in ordered if (pair[1].topo or 0) > newest - LEAP // 2]


def _states_implied(ordered: Sequence[Event], named: Mapping[str, StoredEvent]) -> dict[str, Resolved]:
    """States after events, as what was built on them tells: where that names nothing else, it stands in the state after what it names; and what is no
    state leaves it as it was.
    """
    telling = [(name, one) for name, one in named.items() if not one.flags & PARTIAL and len(one.event.prev_events) == 1]
    after = {name: one.state_before for name, one in telling if one.state_before is not None}
    for event in _newest_first(ordered):
        if event.event_id in after and event.state_key is None and len(event.prev_events) == 1:
            after.setdefault(event.prev_events[0], after[event.event_id])
    return {name: Resolved(root, {}) for name, root in after.items()}


def _limits(missing: Sequence[tuple[str, StoredEvent]]) -> dict[str, int]:
    """Of what is missing in any gap: the place of the lowest event that names it. An answer may reach from one gap over known events into the next."""
    limits: dict[str, int] = {}
    for name, one in missing:
        limits[name] = min(limits.get(name, one.topo or 0), one.topo or 0)
    return limits


def _topos(ordered: Sequence[Event], below: Mapping[str, int], last: int) -> dict[str, int]:
    """Each event stands below all that names it. Where nothing does, as what came between could not be had, the claimed depth must do."""
    topos: dict[str, int] = {}
    limits = dict(below)
    for event in _newest_first(ordered):
        last = topos[event.event_id] = limits.get(event.event_id, last) - 1
        for name in event.prev_events:
            limits[name] = min(limits.get(name, last), last)
    return topos


def _newest_first(ordered: Sequence[Event]) -> Iterator[Event]:
    """Each event after those that name it, the deepest of these first."""
    events = {event.event_id: event for event in ordered}
    named = Counter(name for event in ordered for name in set(event.prev_events) if name in events)
    free = [(-event.depth, event.event_id) for event in ordered if not named[event.event_id]]
    heapify(free)
    while free:
        event = events.pop(heappop(free)[1])
        yield event
        for name in set(event.prev_events).intersection(events):
            named[name] -= 1
            if not named[name]:
                heappush(free, (-events[name].depth, name))
    yield from reversed(events.values())  # rings, which only a liar could claim
