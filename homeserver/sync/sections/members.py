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
        needed = [self._needed(scope, timeline, summaries.get(timeline.room.room_id)) for timeline in timelines]
        for state, users in zip(states, needed, strict=True):
            if state.is_whole:
                state.events = [event for event in state.events if event.type != MEMBER or event.state_key in users]
        asked = [(timeline, state, _lacking(state, users)) for timeline, state, users in zip(timelines, states, needed, strict=True)]
        asked = [(timeline, state, users) for timeline, state, users in asked if users]
        found = await self._states.at_many([(state.root or b"", [(MEMBER, user) for user in users]) for _, state, users in asked])
        for (timeline, state, _), members in zip(asked, found, strict=True):
            state.events += [event for event in members.values() if self._is_lacking(scope, timeline, state, event)]
        for timeline, state in zip(timelines, states, strict=True):
            self._note(scope, timeline, state.events)

    def _needed(self, scope: SyncScope, timeline: RoomTimeline, summary: Summary | None) -> set[str]:
        needed = {seen.event.sender for seen in timeline.seen}
        if summary is not None:
            needed.update(summary.heroes)
        if scope.full_state or timeline.room.since == 0 or timeline.room.renewed:
            needed.add(scope.user_id)
            needed.update(self._told.told_of(_key(scope, timeline)))  # who comes back may hold an old event of theirs
        return needed

    def _is_lacking(self, scope: SyncScope, timeline: RoomTimeline, state: RoomState, event: StoredEvent) -> bool:
        """Whether the client wants the member event and does not have it."""
        wanted = scope.filter.room.state
        if not accepts(wanted, event):
            return False
        if state.is_whole or wanted.include_redundant_members:
            return True
        return not self._told.is_told(_key(scope, timeline), event.state_key or "", event.num, timeline.room.since)

    def _note(self, scope: SyncScope, timeline: RoomTimeline, state: Sequence[StoredEvent]) -> None:
        key = _key(scope, timeline)
        if timeline.room.since == 0:
            self._told.forget(key)
        shown = () if scope.use_state_after else [seen.event for seen in timeline.seen]  # whose state does not count then
        for event in (*state, *shown):
            if event.type == MEMBER and event.state_key is not None:
                self._told.tell(key, event.state_key, event.num, scope.until)


def _lacking(state: RoomState, needed: set[str]) -> list[str]:
    """Those of the users who are not in the state to tell."""
    return [] if state.root is None else sorted(needed.difference(event.state_key or "" for event in state.events if event.type == MEMBER))


def _key(scope: SyncScope, timeline: RoomTimeline) -> Key:
    return (scope.user_id, scope.viewer.device_id or "", timeline.room.room_id)
