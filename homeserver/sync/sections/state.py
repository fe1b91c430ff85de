"""What has changed of each room's state, beside what its timeline shows (client-server API, "Syncing": state, state_after).

`state` is the state before the first timeline event, `state_after` the one after the last; in an increment only what differs from the client's.
With lazy loading, of the members only those whose events are shown.
"""

from collections.abc import Sequence

from homeserver.protocol.event import StateKey
from homeserver.rooms.reading.serve import EventServing, raw
from homeserver.rooms.reading.timeline_store import TimelineStore
from homeserver.rooms.reading.timelines import Timelines
from homeserver.rooms.reading.wanted import accepts
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import StoredEvent
from homeserver.sync.lazy_members import LazyMembers
from homeserver.sync.scope import SyncScope
from homeserver.sync.sections.timeline import RoomTimeline

MEMBER = "m.room.member"


class StateSection:
    def __init__(
        self, *, states: StateReader, timelines: Timelines, store: TimelineStore, serving: EventServing, lazy_members: LazyMembers
    ) -> None:
        self._states = states
        self._timelines = timelines
        self._store = store
        self._serving = serving
        self._lazy_members = lazy_members

    async def read(self, scope: SyncScope, timelines: Sequence[RoomTimeline]) -> list[list[StoredEvent]]:
        """For each room the state events to send."""
        targets = await self._targets(scope, timelines)
        whole = [index for index, timeline in enumerate(timelines) if scope.full_state or timeline.room.since == 0]
        found = await self._whole(scope, timelines, targets, whole)
        for index, timeline in enumerate(timelines):
            if index not in found:
                found[index] = await self._changed(scope, timeline, targets[index])
            if not scope.use_state_after:
                found[index] = _with_unseen(timeline, found[index])
        return [self._wanted(scope, timeline, found[index]) for index, timeline in enumerate(timelines)]

    async def encode(self, scope: SyncScope, events: Sequence[StoredEvent]) -> bytes:
        if scope.filter.event_format == "federation":
            served = raw(events)
        else:
            served = await self._serving.bare(events, scope.viewer, room_id=False)
        return b'{"events":[%b]}' % b",".join(served)

    async def _targets(self, scope: SyncScope, timelines: Sequence[RoomTimeline]) -> list[bytes | None]:
        """The root of the state to tell: before the first event that is shown, or after the last; the current one where nothing happened."""
        roots: list[bytes | None] = []
        unknown = []
        for index, timeline in enumerate(timelines):
            if scope.use_state_after:
                root = timeline.window[-1].root_after if timeline.window else None
            else:
                root = timeline.seen[0].event.state_before if timeline.seen else timeline.window[-1].root_after if timeline.window else None
            roots.append(root)
            if root is None:
                unknown.append(index)
        if unknown:
            read = await self._store.roots_at([(timelines[index].room.room_id, timelines[index].room.until) for index in unknown])
            for index, root in zip(unknown, read, strict=True):
                roots[index] = root
        return roots

    async def _whole(
        self, scope: SyncScope, timelines: Sequence[RoomTimeline], targets: Sequence[bytes | None], indexes: Sequence[int]
    ) -> dict[int, list[StoredEvent]]:
        asked = [(index, root) for index in indexes if (root := targets[index]) is not None]
        if not asked:
            return {}
        numbers = await self._states.all_numbers_many([root for _, root in asked])
        events = await self._states.events({number for part in numbers for number in part})
        found: dict[int, list[StoredEvent]] = {}
        for (index, _), part in zip(asked, numbers, strict=True):
            state = [events[number] for number in sorted(part)]
            found[index] = self._lazily(scope, timelines[index], state) if scope.lazy else state
        return found

    async def _changed(self, scope: SyncScope, timeline: RoomTimeline, target: bytes | None) -> list[StoredEvent]:
        """What the client's state lacks of the target, and with lazy loading the members not told yet."""
        held = await self._held(timeline)
        state: list[StoredEvent] = []
        if held is not None and target is not None and held != target:
            come, _ = await self._states.changes(held, target)
            events = await self._states.events(come)
            state = [events[number] for number in sorted(events)]
        if scope.lazy:
            state = self._lazily(scope, timeline, state + await self._senders(timeline, target, state))
        return state

    async def _held(self, timeline: RoomTimeline) -> bytes | None:
        """The root of the state the client has."""
        if timeline.window and not timeline.limited:
            return timeline.window[0].state_before
        before = self._timelines.before(timeline.room.room_id, timeline.room.since)
        if before is not None:
            return before.root_after
        return (await self._store.roots_at([(timeline.room.room_id, timeline.room.since)]))[0]

    async def _senders(self, timeline: RoomTimeline, target: bytes | None, known: Sequence[StoredEvent]) -> list[StoredEvent]:
        """The member events, in the state to tell, of those whose events are shown."""
        if target is None:
            return []
        have = {event.state_key for event in known if event.type == MEMBER}
        senders = sorted({seen.event.sender for seen in timeline.seen if seen.event.sender not in have})
        found = [await self._states.one(target, (MEMBER, sender)) for sender in senders]
        return [event for event in found if event is not None]

    def _lazily(self, scope: SyncScope, timeline: RoomTimeline, state: Sequence[StoredEvent]) -> list[StoredEvent]:
        """Without the members that are not shown and were never told of, and without those told just so before."""
        needed = {seen.event.sender for seen in timeline.seen} | {scope.user_id}
        key = (scope.user_id, scope.viewer.device_id or "", timeline.room.room_id)
        redundant = scope.filter.room.state.include_redundant_members or scope.full_state
        if timeline.room.since == 0:
            self._lazy_members.forget(key)
        kept = []
        for event in state:
            if event.type == MEMBER and event.state_key is not None:
                user_id = event.state_key
                if user_id not in needed and not self._lazy_members.knows(key, user_id):
                    continue
                if not redundant and self._lazy_members.is_told(key, user_id, event.num, timeline.room.since):
                    continue
                self._lazy_members.tell(key, user_id, event.num, scope.until)
            kept.append(event)
        for seen in timeline.seen:
            if seen.event.type == MEMBER and seen.event.state_key is not None:
                self._lazy_members.tell(key, seen.event.state_key, seen.event.num, scope.until)
        return kept

    def _wanted(self, scope: SyncScope, timeline: RoomTimeline, state: list[StoredEvent]) -> list[StoredEvent]:
        wanted = scope.filter.room.state
        if not wanted.is_trivial:
            state = [event for event in state if accepts(wanted, event)]
        if wanted.limit is not None:
            state = state[: wanted.limit]
        return state


def _with_unseen(timeline: RoomTimeline, state: list[StoredEvent]) -> list[StoredEvent]:
    """And the state events of the window that the timeline's filter leaves out: the client would never hear of them."""
    if not timeline.seen or len(timeline.seen) == len(timeline.window):
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
