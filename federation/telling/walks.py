"""Walks back through a room's graph: what came before, and what is missing between.

Server-server API, "Backfilling and retrieving missing events". What a server may not see is told redacted, for the graph would fall apart without it; to
those who do not take part in the room nothing is told of it.
"""

from collections.abc import Collection, Iterable, Sequence
from heapq import heappop, heappush
from typing import Final, Protocol

from federation.telling.snapshots import cited_by
from homeserver.protocol import event_bytes
from homeserver.protocol.redaction import redact_event
from homeserver.rooms.servers.history import ServerHistory
from homeserver.rooms.servers.members import ServerMembers
from homeserver.rooms.store import OUTLIER, REJECTED, StoredEvent

MOST_BACK: Final = 100
MOST_MISSING: Final = 20
MOST_STEPS: Final = 500  # events looked at for one answer


class EventReads(Protocol):
    """A part of `homeserver.rooms.store.RoomStore`."""

    async def events(self, event_ids: Iterable[str]) -> dict[str, StoredEvent]: ...


class GraphWalks:
    def __init__(self, store: EventReads, history: ServerHistory, members: ServerMembers) -> None:
        self._store = store
        self._history = history
        self._members = members

    async def before(self, server_name: str, room_id: str, event_ids: Collection[str], limit: int) -> list[bytes]:
        """These events and what led to them, the newest first."""
        found: list[StoredEvent] = []
        seen = set(event_ids)
        steps = 0
        heap: list[tuple[int, int, StoredEvent]] = []
        await self._push(heap, room_id, seen)
        while heap and len(found) < limit and steps < MOST_STEPS:
            steps += 1
            event = heappop(heap)[2]
            found.append(event)
            cited = [event_id for event_id in cited_by(event.links, "prev_events") if event_id not in seen]
            seen.update(cited)
            await self._push(heap, room_id, cited)
        return await self.told(server_name, room_id, [event for event in found if not event.flags & REJECTED])

    async def _push(self, heap: list[tuple[int, int, StoredEvent]], room_id: str, event_ids: Collection[str]) -> None:
        if not event_ids:
            return
        for event in (await self._store.events(event_ids)).values():
            if event.room_id == room_id and not event.flags & OUTLIER:
                heappush(heap, (-(event.topo or 0), -event.num, event))

    async def between(
        self, server_name: str, room_id: str, latest: Collection[str], earliest: Collection[str], *, limit: int, min_depth: int
    ) -> list[bytes]:
        """What led to the latest events, no further back than the earliest, the oldest first."""
        seen = {*latest, *earliest}
        found: list[StoredEvent] = []
        steps = 0
        layer = await self._in_room(room_id, latest)
        while layer and len(found) < limit and steps < MOST_STEPS:
            steps += len(layer)
            cited = dict.fromkeys(event_id for event in layer for event_id in cited_by(event.links, "prev_events") if event_id not in seen)
            seen.update(cited)
            layer = [event for event in await self._in_room(room_id, cited) if event.event.depth >= min_depth]
            found += [event for event in layer if not event.flags & REJECTED]
        found = sorted(found[:limit], key=lambda event: (event.topo or 0, event.num))
        return await self.told(server_name, room_id, found)

    async def _in_room(self, room_id: str, event_ids: Collection[str]) -> list[StoredEvent]:
        """In the order asked for."""
        events = await self._store.events(event_ids) if event_ids else {}
        ordered = [events[event_id] for event_id in event_ids if event_id in events]
        return [event for event in ordered if event.room_id == room_id and not event.flags & OUTLIER]

    async def told(self, server_name: str, room_id: str, events: Sequence[StoredEvent]) -> list[bytes]:
        """The events as that server may have them."""
        shown = await self._history.are_shown(server_name, room_id, events)
        takes_part = await self._members.is_in(room_id, server_name)
        return [
            event_bytes.pdu(event.body, event.links) if whole else redacted_pdu(event)
            for event, whole in zip(events, shown, strict=True)
            if whole or takes_part
        ]


def redacted_pdu(event: StoredEvent) -> bytes:
    """It keeps its ID and its signatures."""
    return event_bytes.pdu(*event_bytes.split(redact_event(event.event)))
