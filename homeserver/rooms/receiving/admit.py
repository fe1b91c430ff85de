"""An event of another server gets its place, once all that it cites is at hand: steps 4 to 6 of "Checks performed on receipt of a PDU".

Format, signatures and content hash were checked by whoever brought it. The caller holds the room's lock; a commit made here is counted by the head.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from homeserver.protocol.auth_rules import PowerLevels, check_auth_events, check_event, judging_state, power_levels
from homeserver.protocol.errors import MissingEvents, NotAuthorised
from homeserver.protocol.event import Event, StateKey
from homeserver.rooms.append import stored_event
from homeserver.rooms.head import CREATE, POWER_LEVELS, RoomHead, RoomHeads
from homeserver.rooms.notice import notice_of
from homeserver.rooms.receiving.current import MEMBER, CurrentState
from homeserver.rooms.receiving.order import LEAP
from homeserver.rooms.receiving.outcome import Accepted, Outcome, Rejected, SoftFailed
from homeserver.rooms.receiving.redact import Redacting
from homeserver.rooms.receiving.resolve import Resolved, Resolver
from homeserver.rooms.room_lock import RoomLock
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import BEHIND_GAP, OUTLIER, PARTIAL, REJECTED, SOFT_FAILED, UNJUDGED, EventCommit, RoomStore, StoredEvent
from homeserver.rooms.told import Telling


@dataclass(eq=False, slots=True)
class Surroundings:
    """What an event stands among. `auth`: all that it cites; `roots`: states after predecessors that are not here themselves, `gaps` their IDs."""

    previous: Sequence[StoredEvent]
    auth: Mapping[str, StoredEvent]
    roots: Sequence[bytes] = ()
    gaps: Sequence[str] = ()
    nodes: Mapping[bytes, bytes] = field(default_factory=dict)  # of those states
    outlier: StoredEvent | None = None  # its own record, where it is known without a place
    is_stored: bool = False  # that record
    fills_gap: bool = False  # it was missing behind events that are here
    is_built_on: bool = False  # by one of those that is shown: then it is no end of the graph
    redactions: Sequence[StoredEvent] = ()  # that name it and came before it


class Admission:
    def __init__(
        self, *, store: RoomStore, heads: RoomHeads, states: StateReader, resolver: Resolver, current: CurrentState, telling: Telling
    ) -> None:
        self._store = store
        self._heads = heads
        self._states = states
        self._resolver = resolver
        self._current = current
        self._telling = telling
        self._redacting = Redacting(store=store, states=states)

    async def admit(
        self,
        lock: RoomLock,
        head: RoomHead,
        event: Event,
        around: Surroundings,
        fresh: Mapping[str, StoredEvent],
        unwanted: str | None = None,
    ) -> tuple[EventCommit, Outcome]:
        """`fresh`: events that are not stored yet; `unwanted`: why a policy server does not want it. Its own record is `commit.event`."""
        before, is_partial = await self._state_before(head, around, fresh)
        stored = self._record(head, event, around, before.root)
        stored.flags |= PARTIAL if is_partial else 0
        nodes = {**around.nodes, **before.nodes}
        commit = EventCommit(
            stored,
            head.lineage,
            nodes=nodes,
            becomes_extremity=False,
            is_known=around.is_stored,
            gaps=around.gaps,
            fills_gap=around.fills_gap,
        )
        reason = await self._refusal(head, event, around, before.root)
        if reason is not None:
            stored.flags |= REJECTED
            return commit, Rejected(reason, is_final=not is_partial)
        if event.state_key is not None:
            self._states.keep(stored)
            stored.state_after, more = await self._states.update(before.root, {event.address: stored.num})
            nodes.update(more)
        reason = unwanted
        if reason is None and before.root != head.root and not head.is_partial:  # who is in the room is not known then
            reason = await self._refusal_now(head, event)
        if reason is not None:
            stored.flags |= SOFT_FAILED
            return commit, SoftFailed(reason)
        await self._take_place(head, commit, around, fresh)
        return commit, Accepted()

    async def _state_before(self, head: RoomHead, around: Surroundings, fresh: Mapping[str, StoredEvent]) -> tuple[Resolved, bool]:
        """And whether it is known in part."""
        roots = [root for previous in around.previous if (root := previous.root_after) is not None]
        before = await self._resolver.resolve(head.version, [*roots, *around.roots], fresh)
        if any(previous.flags & PARTIAL for previous in around.previous):
            return await self._with_cited_members(head, before, around, fresh), True
        return before, False

    async def _with_cited_members(
        self, head: RoomHead, before: Resolved, around: Surroundings, fresh: Mapping[str, StoredEvent]
    ) -> Resolved:
        """Of a room that is known in part: members that are not known there are what the event says they are, until the room is whole (MSC3902).
        Where it says other of those who are, both are resolved."""
        cited = {one.event.address: one.num for one in _members(around)}
        known = await self._states.numbers(before.root, cited)
        root, nodes = await self._states.update(before.root, {address: num for address, num in cited.items() if address not in known})
        nodes = {**before.nodes, **nodes}
        differing = {address: num for address, num in cited.items() if known.get(address, num) != num}
        if not differing:
            return Resolved(root, nodes)
        other, more = await self._states.update(root, differing)
        resolved = await self._resolver.resolve(head.version, [root, other], fresh)
        return Resolved(resolved.root, {**nodes, **more, **resolved.nodes})

    def _record(self, head: RoomHead, event: Event, around: Surroundings, before: bytes) -> StoredEvent:
        depths = [previous.topo for previous in around.previous if previous.topo is not None]
        topo = (max(depths) + 1 if depths else head.topo) + (LEAP if around.gaps else 0)
        known = around.outlier
        num = self._store.take_event_num() if known is None else known.num
        stored = stored_event(num, head.room_num, event, topo=topo, state_before=before)
        if known is not None:
            stored.flags = known.flags & ~(OUTLIER | UNJUDGED)
            stored.body, stored.links, stored.redacted_by = known.body, known.links, known.redacted_by
        if around.gaps:
            stored.flags |= BEHIND_GAP
        return stored

    async def _refusal(self, head: RoomHead, event: Event, around: Surroundings, before: bytes) -> str | None:
        """Why the rules refuse the event by what it cites, or by the state it stands in."""
        try:
            cited = check_by_auth_events(event, around.auth, head.create.event)
            addresses = judging_state(event)
            if before == head.root:
                await self._heads.learn(head, [*addresses, CREATE, POWER_LEVELS])
                check_event(event, head.state_for(addresses), create=head.create.event, power_levels=head.levels)
            else:
                state = {address: found.event for address, found in (await self._states.at(before, addresses)).items()}
                if state != cited:
                    check_event(event, state, create=head.create.event)
        except NotAuthorised as error:
            return str(error)
        return None

    async def _refusal_now(self, head: RoomHead, event: Event) -> str | None:
        """Why the room's present state refuses it (server-server API, "Soft failure")."""
        addresses = judging_state(event)
        await self._heads.learn(head, [*addresses, CREATE, POWER_LEVELS])
        try:
            check_event(event, head.state_for(addresses), create=head.create.event, power_levels=head.levels)
        except NotAuthorised as error:
            return str(error)
        return None

    async def _take_place(self, head: RoomHead, commit: EventCommit, around: Surroundings, fresh: Mapping[str, StoredEvent]) -> None:
        """Among the ends of the graph, in the current state, and before the people it concerns."""
        stored = commit.event
        event = stored.event
        notice = notice_of(event.type, event.state_key, event.content)
        await self._heads.learn(head, [*self._telling.members_called(notice), CREATE, POWER_LEVELS])
        self._telling.note(head, commit, notice)
        await self._redacting.redact(head, commit, fresh, around.redactions)
        built_on = {one.num for one in around.previous}
        commit.extremities_gone = [end.num for end in head.extremities if end.num in built_on]
        commit.becomes_extremity = not around.is_built_on
        ends = [end.root for end in head.extremities if end.num not in built_on and end.root is not None]
        if commit.becomes_extremity and stored.root_after is not None:
            ends.append(stored.root_after)
        now = await self._resolver.resolve(head.version, ends, {**fresh, stored.event_id: stored})
        commit.nodes = {**commit.nodes, **now.nodes}
        stored.shown_before = head.root if head.root != stored.state_before else None
        stored.shown_after = now.root if now.root != stored.root_after else None
        learnt = await self._current.turn(head, commit, now.root, fresh)
        await self._telling.complete(head, commit, notice, fresh)
        self._current.advance(head, commit, learnt)


def _members(around: Surroundings) -> list[StoredEvent]:
    """The memberships that authorise an event."""
    return [one for one in around.auth.values() if one.type == MEMBER and not one.flags & REJECTED]


class Authority(NamedTuple):
    """What an event cites, once that was found fit to be cited: its addresses, and the state it makes up, with the create event where none need be cited."""

    cited: Collection[StateKey]
    state: dict[StateKey, Event]
    levels: PowerLevels | None  # None: they are not to be told, and whoever asks hears why


def authority_of(event: Event, auth: Mapping[str, StoredEvent], create: Event | None) -> Authority:
    """Raises NotAuthorised, or MissingEvents."""
    missing = [event_id for event_id in event.auth_events if event_id not in auth]
    if missing:
        raise MissingEvents(missing)
    cited = [auth[event_id] for event_id in event.auth_events]
    check_auth_events(event, [one.event for one in cited], {one.event_id for one in cited if one.flags & REJECTED})
    state = {one.event.address: one.event for one in cited}
    addresses = tuple(state)
    if create is not None:
        state.setdefault(CREATE, create)
    return Authority(addresses, state, _levels(state))


def _levels(state: Mapping[StateKey, Event]) -> PowerLevels | None:
    create = state.get(CREATE)
    if create is None:
        return None
    try:
        return power_levels.of(state.get(POWER_LEVELS), create)
    except NotAuthorised:
        return None


def check_by_auth_events(event: Event, auth: Mapping[str, StoredEvent], create: Event | None) -> dict[StateKey, Event]:
    """Raises NotAuthorised, or MissingEvents; the state by which it was judged."""
    authority = authority_of(event, auth, create)
    check_event(event, authority.state, power_levels=authority.levels)
    return authority.state
