"""The ends of a room's graph, when events fall or are revived."""

from collections.abc import Mapping, Sequence

from homeserver.rooms.head import RoomHead, extremity_of
from homeserver.rooms.partial.rejudge import Judged
from homeserver.rooms.store import Extremity, StoredEvent


def ends_now(head: RoomHead, events: Sequence[StoredEvent], judged: Judged, others: Mapping[str, StoredEvent]) -> list[Extremity]:
    """`events`: as they are judged now; `others`: what they are built on and is stored."""
    by_id = {stored.event_id: stored for stored in events}
    built_on = {name for stored in events if stored.is_shown for name in stored.event.prev_events}
    ends = {end.event_id: end for end in head.extremities}
    for stored in judged.revived:
        if stored.event_id not in built_on:
            ends[stored.event_id] = extremity_of(stored)
        for name in stored.event.prev_events:
            ends.pop(name, None)
    waiting = [stored for stored in judged.fallen if ends.pop(stored.event_id, None) is not None]
    seen: set[str] = set()
    while waiting:
        for name in waiting.pop().event.prev_events:
            before = by_id.get(name) or others.get(name)
            if before is None or before.state_before is None or name in seen:
                continue
            seen.add(name)
            if not before.is_shown:
                waiting.append(before)
            elif name not in built_on:
                ends[name] = extremity_of(before)
    return [extremity_of(by_id[name]) if name in by_id else end for name, end in ends.items()]
