"""Lazy loading: of a room's members only those whom the client needs (client-server API, "Lazy-loading room members", "Syncing").

They are: the user, who sent what is shown, and the heroes, unless the client has them; and every membership that changed since, lest a change be lost.
"""

from collections.abc import Mapping, Sequence

from homeserver.rooms.reading.wanted import accepts
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import StoredEvent
from homeserver.sync.lazy_members import Key, LazyMembers
from homeserver.sync.scope import SyncScope
from homeserver.sync.sections.state import RoomState
from homeserver.sync.sections.summary import Summary
from homeserver.sync.sections.timeline import RoomTimeline

MEMBER = "m.room.member"


class MemberSection:
    def __init__(self, states: StateReader, told: LazyMembers) -> None:
        self._states = states
        self._told = told

    async def choose(
        self, scope: SyncScope, timelines: Sequence[RoomTimeline], states: Sequence[RoomState], summaries: Mapping[str, Summary]
    ) -> None:
        """Leave the members who are needed in each state, and add those who lack."""
        for timeline, state in zip(timelines, states, strict=True):
            summary = summaries.get(timeline.room.room_id)
            needed = {seen.event.sender for seen in timeline.seen}
            if summary is not None:
                needed.update(summary.heroes)
            if state.is_whole:
                needed.add(scope.user_id)
                needed.update(self._told.told_of(_key(scope, timeline)))  # who comes back may hold an old event of theirs
                state.events = [event for event in state.events if event.type != MEMBER or event.state_key in needed]
            else:
                state.events += await self._lacking(scope, timeline, state, needed)
            self._note(scope, timeline, state.events)

    async def _lacking(self, scope: SyncScope, timeline: RoomTimeline, state: RoomState, needed: set[str]) -> list[StoredEvent]:
        """The member events of those who are needed and neither in the state nor told of before."""
        if state.root is None:
            return []
        key, wanted = _key(scope, timeline), scope.filter.room.state
        found = []
        for user_id in sorted(needed.difference(event.state_key or "" for event in state.events if event.type == MEMBER)):
            event = await self._states.one(state.root, (MEMBER, user_id))
            if event is None or not accepts(wanted, event):
                continue
            if wanted.include_redundant_members or not self._told.is_told(key, user_id, event.num, timeline.room.since):
                found.append(event)
        return found

    def _note(self, scope: SyncScope, timeline: RoomTimeline, state: Sequence[StoredEvent]) -> None:
        key = _key(scope, timeline)
        if timeline.room.since == 0:
            self._told.forget(key)
        shown = () if scope.use_state_after else [seen.event for seen in timeline.seen]  # whose state does not count then
        for event in (*state, *shown):
            if event.type == MEMBER and event.state_key is not None:
                self._told.tell(key, event.state_key, event.num, scope.until)


def _key(scope: SyncScope, timeline: RoomTimeline) -> Key:
    return (scope.user_id, scope.viewer.device_id or "", timeline.room.room_id)
