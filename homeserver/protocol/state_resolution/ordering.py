"""Which events could take power away, and in what order they are tried: rooms/v2 "Power events", "Reverse topological power ordering".

As all servers do, the create event counts as a power event, power levels and join rules only under the empty state key, and auth edges are
followed only within the full conflicted set.
"""

import heapq
from collections.abc import Generator

from homeserver.protocol.auth_rules import Level
from homeserver.protocol.event import Event
from homeserver.protocol.state_resolution.known_events import KnownEvents

_STRIDE = 200  # events between two yields
_Key = tuple[Level, int, str]


def is_power_event(event: Event) -> bool:
    if event.type == "m.room.member":
        return event.content.get("membership") in ("leave", "ban") and event.sender != event.state_key
    return event.state_key == "" and event.type in ("m.room.power_levels", "m.room.join_rules", "m.room.create")


def power_graph_steps(full_conflicted: frozenset[str], known: KnownEvents) -> Generator[None, None, dict[str, set[str]]]:
    """The power events of the set and what of the set they lead to, each with its edges within the set."""
    graph: dict[str, set[str]] = {}
    stack: list[str] = []
    for count, event_id in enumerate(full_conflicted, start=1):
        if is_power_event(known.event(event_id)):
            stack.append(event_id)
        if count % _STRIDE == 0:
            yield
    while stack:
        event_id = stack.pop()
        if event_id not in graph:
            graph[event_id] = set(full_conflicted.intersection(known[event_id]))
            stack.extend(graph[event_id])
            if len(graph) % _STRIDE == 0:
                yield
    return graph


def power_ordering_steps(graph: dict[str, set[str]], known: KnownEvents) -> Generator[None, None, list[str]]:
    """The events of the graph, earliest first: always the smallest of those all of whose cited events are placed; takes the graph apart."""
    citing: dict[str, list[str]] = {event_id: [] for event_id in graph}
    ready: list[_Key] = []
    for count, (event_id, cited) in enumerate(graph.items(), start=1):
        for other in cited:
            citing[other].append(event_id)
        if not cited:
            ready.append(_key(event_id, known))
        if count % _STRIDE == 0:
            yield
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
