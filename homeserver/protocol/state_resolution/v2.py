"""State resolution of room versions 2 to 12: rooms/v2 and rooms/v12, "State resolution", "Algorithm"."""

from collections.abc import Generator

from homeserver.protocol.auth_rules import judging_state
from homeserver.protocol.event import StateKey
from homeserver.protocol.room_versions import RoomVersion
from homeserver.protocol.state_resolution.auth_chain import AuthDifference, auth_difference_steps
from homeserver.protocol.state_resolution.auth_checks import apply_steps
from homeserver.protocol.state_resolution.conflict import Conflict, StateMap
from homeserver.protocol.state_resolution.known_events import KnownEvents
from homeserver.protocol.state_resolution.mainline import mainline_ordering_steps
from homeserver.protocol.state_resolution.ordering import power_graph_steps, power_ordering_steps

_POWER_LEVELS: StateKey = ("m.room.power_levels", "")
_STRIDE = 200  # events between two yields


def resolve_conflict_steps(
    version: RoomVersion, conflict: Conflict, known: KnownEvents, auth_difference: AuthDifference | None
) -> Generator[None, None, dict[StateKey, str]]:
    """What comes to stand at the conflicted addresses; to the rest of the result, the unconflicted state, nothing is added here."""
    conflicted = conflict.event_ids()
    if auth_difference is None:
        auth_difference = yield from auth_difference_steps(conflict, known, subgraph=version.conflicted_subgraph)
    full = conflicted | auth_difference.difference
    if version.conflicted_subgraph:
        full |= auth_difference.subgraph
    base: StateMap = {} if version.resolve_from_empty else conflict.unconflicted
    yield from _require_steps(full, base, known)

    graph = yield from power_graph_steps(full, known)
    ordered = yield from power_ordering_steps(graph, known)
    resolved: dict[StateKey, str] = {}
    yield from apply_steps(ordered, base, resolved, known)

    remaining = full.difference(ordered)
    power_levels = resolved.get(_POWER_LEVELS) or base.get(_POWER_LEVELS)
    ordered = yield from mainline_ordering_steps(remaining, power_levels, known)
    yield from apply_steps(ordered, base, resolved, known)
    return {key: event_id for key, event_id in resolved.items() if key not in conflict.unconflicted}


def _require_steps(full: frozenset[str], base: StateMap, known: KnownEvents) -> Generator[None, None, None]:
    """Asks for all that the checks will read, in one go; only the line of power levels behind it is left to be found missing later."""
    known.require(full)
    yield
    needed: set[str] = set()
    for count, event_id in enumerate(full, start=1):
        needed.update(known[event_id])
        needed.update(base[key] for key in judging_state(known.event(event_id)) if key in base)
        if count % _STRIDE == 0:
            yield
    yield
    known.require(needed)
