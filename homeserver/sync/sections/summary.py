"""Counts and heroes of rooms whose members changed (client-server API, "Syncing": summary)."""

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from homeserver.rooms.reading.timeline_store import TimelineStore
from homeserver.sync.scope import SyncScope
from homeserver.sync.sections.state import RoomState
from homeserver.sync.sections.timeline import RoomTimeline

MAX_HEROES = 5


class Summary(NamedTuple):
    heroes: list[str]
    joined: int
    invited: int

    def encode(self) -> bytes:
        return b'{"m.heroes":%b,"m.invited_member_count":%d,"m.joined_member_count":%d}' % (
            orjson.dumps(self.heroes), self.invited, self.joined,
        )  # fmt: skip


class SummarySection:
    def __init__(self, store: TimelineStore) -> None:
        self._store = store

    async def read(self, scope: SyncScope, timelines: Sequence[RoomTimeline], states: Sequence[RoomState]) -> dict[str, Summary]:
        """By room ID, for rooms the client is to be told of."""
        changed = [
            timeline.room.room_id
            for timeline, state in zip(timelines, states, strict=True)
            if state.is_whole
            or state.members_changed
            or timeline.has_member_events
            or (timeline.limited and any(event.type == "m.room.member" for event in state.events))
        ]
        if not changed:
            return {}
        counts = await self._store.counts(changed)
        heroes = await self._store.heroes(changed, scope.user_id, MAX_HEROES)
        return {room_id: Summary(heroes.get(room_id, []), *counts.get(room_id, (0, 0))) for room_id in changed}
