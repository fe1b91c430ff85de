"""The order of everything that takes no power away: rooms/v2 "Mainline ordering"."""

import math
from collections.abc import Generator, Iterable

from homeserver.protocol.event import Event
from homeserver.protocol.state_resolution.known_events import KnownEvents

_STRIDE = 200  # events between two yields


def mainline_ordering_steps(event_ids: Iterable[str], power_levels: str | None, known: KnownEvents) -> Generator[None, None, list[str]]:
    """The events, smallest first, by the mainline that ends in this power levels event."""
    positions = yield from _mainline_steps(power_levels, known)
    keyed: list[tuple[float, int, str]] = []
    for count, event_id in enumerate(event_ids, start=1):
        event = known.event(event_id)
        position = yield from _position_steps(event, positions, known)
        keyed.append((-position, event.origin_server_ts, event_id))
        if count % _STRIDE == 0:
            yield
    keyed.sort()
    return [event_id for _, _, event_id in keyed]


def _mainline_steps(power_levels: str | None, known: KnownEvents) -> Generator[None, None, dict[str, float]]:
    positions: dict[str, float] = {}
    current = None if power_levels is None else known.event(power_levels)
    while current is not None and current.event_id not in positions:
        positions[current.event_id] = len(positions)
        if len(positions) % _STRIDE == 0:
            yield
        current = known.power_levels_of(current)
    return positions


def _position_steps(event: Event, positions: dict[str, float], known: KnownEvents) -> Generator[None, None, float]:
    """Where the event's own line of power levels meets the mainline, infinity if nowhere; what is learnt on the way is kept."""
    passed: list[str] = []
    on_the_way: set[str] = set()
    current = known.power_levels_of(event)
    while current is not None and current.event_id not in positions and current.event_id not in on_the_way:
        passed.append(current.event_id)
        on_the_way.add(current.event_id)
        if len(passed) % _STRIDE == 0:
            yield
        current = known.power_levels_of(current)
    found = math.inf if current is None else positions.get(current.event_id, math.inf)
    positions.update(dict.fromkeys(passed, found))
    return found
