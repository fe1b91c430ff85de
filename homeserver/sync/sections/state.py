"""What has changed of each room's state, beside what its timeline shows (client-server API, "Syncing": state, state_after).

`state` is the state before the first timeline event, `state_after` the one after the last; in an increment only what differs from the client's.
"""

from collections.abc import Collection, Sequence

from homeserver.protocol.event import StateKey
from homeserver.rooms.reading.serve import EventServing, raw
from homeserver.rooms.reading.timeline_store import TimelineStore
from homeserver.rooms.reading.timelines import Timelines
from homeserver.rooms.reading.wanted import accepts
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import StoredEvent
from homeserver.sync.scope import SyncScope
from homeserver.sync.sections.timeline import RoomTimeline

MEMBER = "m.room.member"


class RoomState:
    """One room's part: the `events` to tell, of the state with that `root`; all of it, or what has changed."""

    __slots__ = ("events", "is_whole", "members_changed", "root")

    def __init__(self, root: bytes | None, *, is_whole: bool) -> None:
        self.root = root
        self.events: list[StoredEvent] = []
        self.is_whole = is_whole
        self.members_changed = False  # not only as the timeline tells


class StateSection:
    def __init__(self, *, states: StateReader, timelines: Timelines, store: TimelineStore, serving: EventServing) -> None:
        self._states = states
        self._timelines = timelines
        self._store = store
        self._serving = serving

    async def read(self, scope: SyncScope, timelines: Sequence[RoomTimeline]) -> list[RoomState]:
        """The rooms' states, in the order of the rooms."""
        states = [
            RoomState(_root(scope, timeline), is_whole=scope.full_state or timeline.room.since == 0 or timeline.room.renewed)
            for timeline in timelines
        ]
        await self._add_whole(scope, timelines, states)
        for timeline, state in zip(timelines, states, strict=True):
            if not state.is_whole:
                state.events = await self._changed(timeline, state.root)
            if timeline.tells_state and _is_forked(timeline):
                await self._add_resolved(scope, timeline, state)
            elif not scope.use_state_after:
                state.events = _with_unseen(timeline, state.events)
            elif not timeline.tells_state:
                state.events = _own(scope, timeline)
            if scope.use_state_after and timeline.room.closing is not None:
                state.events = closed(state.events, timeline.room.closing)
            state.events = _wanted(scope, state.events)
        return states

    async def encode(self, scope: SyncScope, events: Sequence[StoredEvent]) -> bytes:
        if scope.filter.event_format == "federation":
            served = raw(events)
        else:
            served = await self._serving.bare(events, scope.viewer, room_id=False)
        return b'{"events":[%b]}' % b",".join(scope.select(served))

    async def _add_whole(self, scope: SyncScope, timelines: Sequence[RoomTimeline], states: Sequence[RoomState]) -> None:
        whole = [
            (timeline.room, state) for timeline, state in zip(timelines, states, strict=True) if state.is_whole and timeline.tells_state
        ]
        quiet = [(room, state) for room, state in whole if state.root is None]  # nothing has happened: as it is now
        if quiet:
            roots = await self._store.roots_at([(room.room_id, room.end) for room, _ in quiet])
            for (_, state), root in zip(quiet, roots, strict=True):
                state.root = root
        known = [(room.room_id, root, state) for room, state in whole if (root := state.root) is not None]
        if not known:
            return
        numbers: Sequence[Collection[int]]
        if scope.lazy:
            numbers = await self._without_members([(room_id, root) for room_id, root, _ in known])
        else:
            numbers = await self._states.all_numbers_many([root for _, root, _ in known])
        events = await self._states.events({number for part in numbers for number in part})
        for (_, _, state), part in zip(known, numbers, strict=True):
            state.events = [events[number] for number in sorted(part)]

    async def _without_members(self, wanted: Sequence[tuple[str, bytes]]) -> list[set[int]]:
        """The states of these rooms with those roots, by way of the current ones, which stand without their members; but for the members
        who have changed since. So a large room costs no more than a small one."""
        current = await self._store.current_without_members({room_id for room_id, _ in wanted})
        numbers = []
        for room_id, root in wanted:
            base, plain = current[room_id]
            come, gone = await self._states.changes(base, root)
            numbers.append(plain.difference(gone).union(come))
        return numbers

    async def _changed(self, timeline: RoomTimeline, root: bytes | None) -> list[StoredEvent]:
        """What the client's state lacks."""
        if root is None or not timeline.window:
            return []
        held = await self._held(timeline)
        if held is None or held == root:
            return []
        come, _ = await self._states.changes(held, root)
        events = await self._states.events(come)
        return [events[number] for number in sorted(events)]

    async def _add_resolved(self, scope: SyncScope, timeline: RoomTimeline, state: RoomState) -> None:
        """What came to stand, or fell, by a resolution and not as the timeline tells. A client that is told the state before has no other way to
        hear of it than as a part of that."""
        held, after = state.root if state.is_whole else await self._held(timeline), timeline.window[-1].current_after
        if held is None or after is None or held == after:
            return
        come, gone = await self._states.changes(held, after)
        events = await self._states.events([*come, *gone])
        state.members_changed = any(event.type == MEMBER for event in events.values())
        if scope.use_state_after:
            return
        seen = {seen.event.num for seen in timeline.seen}
        resolved = [events[number] for number in sorted(come) if number not in seen]
        addresses = {(event.type, event.state_key) for event in resolved}
        state.events = [event for event in state.events if (event.type, event.state_key) not in addresses] + resolved

    async def _held(self, timeline: RoomTimeline) -> bytes | None:
        """The root of the state the client has."""
        if not timeline.limited:
            return timeline.window[0].current_before
        before = self._timelines.before(timeline.room.room_id, timeline.room.since)
        if before is not None:
            return before.current_after
        return (await self._store.roots_at([(timeline.room.room_id, timeline.room.since)]))[0]


def _root(scope: SyncScope, timeline: RoomTimeline) -> bytes | None:
    """Of the state before the first event that is shown, or after the last; None where nothing happened."""
    if not timeline.tells_state or not timeline.window:
        return None
    if scope.use_state_after or not timeline.seen or timeline.seen[0].event is timeline.room.closing:
        return timeline.window[-1].current_after
    return timeline.seen[0].event.current_before


def _is_forked(timeline: RoomTimeline) -> bool:
    """Whether the room's state is another than what follows from one event after the other."""
    return any(event.shown_before is not None or event.shown_after is not None for event in timeline.window)


def _wanted(scope: SyncScope, state: list[StoredEvent]) -> list[StoredEvent]:
    wanted = scope.filter.room.state
    if not wanted.is_trivial:
        state = [event for event in state if accepts(wanted, event)]
    return state if wanted.limit is None else state[: wanted.limit]


def _own(scope: SyncScope, timeline: RoomTimeline) -> list[StoredEvent]:
    """The last membership of one who is not in the room: a client that is told the state after takes it from no timeline."""
    own = [event for event in timeline.window if event.type == MEMBER and event.state_key == scope.user_id]
    return own[-1:]


def closed(state: Sequence[StoredEvent], closing: StoredEvent) -> list[StoredEvent]:
    """The state in which the user was gone, with how he stands since."""
    return [*(event for event in state if (event.type, event.state_key) != (closing.type, closing.state_key)), closing]


def _with_unseen(timeline: RoomTimeline, state: list[StoredEvent]) -> list[StoredEvent]:
    """And the state events of the window that the timeline's filter leaves out: the client would never hear of them."""
    if not timeline.seen or not timeline.tells_state:
        return state
    if len(timeline.seen) == len(timeline.window) and timeline.room.closing is None:
        return state
    shown = {seen.event.num for seen in timeline.seen}
    first = timeline.seen[0].event.position or 0
    latest: dict[StateKey, StoredEvent] = {}
    for event in timeline.window:
        if event.state_key is not None and (event.position or 0) > first:
            latest[event.type, event.state_key] = event
    unseen = [event for event in latest.values() if event.num not in shown]
    if not unseen:
        return state
    replaced = {(event.type, event.state_key) for event in unseen}
    return [event for event in state if (event.type, event.state_key) not in replaced] + unseen
