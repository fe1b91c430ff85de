"""Counts and heroes of rooms whose members changed (client-server API, "Syncing": summary)."""

from collections.abc import Sequence

import orjson

from homeserver.rooms.reading.timeline_store import TimelineStore
from homeserver.rooms.store import StoredEvent
from homeserver.sync.scope import SyncScope
from homeserver.sync.sections.timeline import RoomTimeline

MAX_HEROES = 5


class SummarySection:
    def __init__(self, store: TimelineStore) -> None:
        self._store = store

    async def read(self, scope: SyncScope, timelines: Sequence[RoomTimeline], states: Sequence[list[StoredEvent]]) -> dict[str, bytes]:
        """Room ID → the JSON object, for rooms the client is to be told of."""
        changed = [
            timeline.room.room_id
            for timeline, state in zip(timelines, states, strict=True)
            if scope.full_state
            or timeline.room.since == 0
            or timeline.has_member_events
            or (timeline.limited and any(event.type == "m.room.member" for event in state))
        ]
        if not changed:
            return {}
        counts = await self._store.counts(changed)
        heroes = await self._store.heroes(changed, scope.user_id, MAX_HEROES)
        found = {}
        for room_id in changed:
            joined, invited = counts.get(room_id, (0, 0))
            found[room_id] = b'{"m.heroes":%b,"m.invited_member_count":%d,"m.joined_member_count":%d}' % (
                orjson.dumps(heroes.get(room_id, [])), invited, joined,
            )  # fmt: skip
        return found
