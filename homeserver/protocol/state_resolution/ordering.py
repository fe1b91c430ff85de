"""Which events could take power away, and in what order they are tried: rooms/v2 "Power events", "Reverse topological power ordering".

As all servers do, the create event counts as a power event, power levels and join rules only under the empty state key, and auth edges are
followed only within the full conflicted set.
"""

import heapq
from collections.abc import Generator, Iterable

from homeserver.protocol.auth_rules import Level
from homeserver.protocol.event import Event
from homeserver.protocol.state_resolution.known_events import KnownEvents

_STRIDE = 200  # events between two yields
_Key = tuple[Level, int, str]


def is_power_event(event: Event) -> bool:
    if event.type == "m.room.member":
        return event.content.get("membership") in ("leave", "ban") and event.sender != event.state_key
    return event.state_key == "" and event.type in ("m.room.power_levels", "m.room.join_rules", "m.room.create")


def power_graph(full_conflicted: frozenset[str], known: KnownEvents) -> dict[str, set[str]]:
    """The power events of the set and what of the set they lead to, each with its edges within the set."""
    graph: dict[str, set[str]] = {}
    stack = [event_id for event_id in full_conflicted if is_power_event(known.event(event_id))]
    while stack:
        event_id = stack.pop()
        if event_id not in graph:
            graph[event_id] = set(full_conflicted.intersection(known[event_id]))
            stack.extend(graph[event_id])
    return graph


def power_ordering_steps(graph: dict[str, set[str]], known: KnownEvents) -> Generator[None, None, list[str]]:
    """The events of the graph, earliest first: always the smallest of those all of whose cited events are placed; takes the graph apart."""
    citing: dict[str, list[str]] = {event_id: [] for event_id in graph}
    for event_id, cited in graph.items():
        for other in cited:
            citing[other].append(event_id)
    yield
    ready = [_key(event_id, known) for event_id, cited in graph.items() if not cited]
    heapq.heapify(ready)
    ordered: list[str] = []
    while ready:
        event_id = heapq.heappop(ready)[2]
        ordered.append(event_id)
        for other in citing[event_id]:
            graph[other].discard(event_id)
            if not graph[other]:
                heapq.heappush(ready, _key(other, known))
        if len(ordered) % _STRIDE == 0:
            yield
    return ordered


def _key(event_id: str, known: KnownEvents) -> _Key:
    event = known.event(event_id)
    return (-known.sender_level(event), event.origin_server_ts, event_id)


def cited_outside(event_ids: Iterable[str], known: KnownEvents) -> set[str]:
    """All events that the given ones are directly authorised by."""
    return {cited for event_id in event_ids for cited in known[event_id]}
