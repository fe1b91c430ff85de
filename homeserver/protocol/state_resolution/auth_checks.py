"""The state that grows event by event: rooms/v2 "Iterative auth checks"."""

from collections.abc import Generator, Iterable

from homeserver.protocol.auth_rules import judging_state
from homeserver.protocol.event import Event, StateKey
from homeserver.protocol.state_resolution.conflict import StateMap
from homeserver.protocol.state_resolution.known_events import KnownEvents


def apply_steps(ordered: Iterable[str], base: StateMap, resolved: dict[StateKey, str], known: KnownEvents) -> Generator[None, None, None]:
    """Puts into `resolved`, which lies over `base`, every event that its state allows; yields after each.

    A rejected event neither comes to stand nor speaks for another.
    """
    for event_id in ordered:
        event = known.event(event_id)
        if event.state_key is None or known.is_rejected(event_id):
            continue
        if known.is_allowed(event, _state_for(event, base, resolved, known)):
            resolved[event.address] = event_id
        yield


def _state_for(event: Event, base: StateMap, resolved: StateMap, known: KnownEvents) -> dict[StateKey, Event]:
    """What the state says at the addresses the event is judged by, else what its auth events say."""
    state: dict[StateKey, Event] = {}
    for event_id in known[event.event_id]:
        cited = known.event(event_id)
        if cited.state_key is not None and not known.is_rejected(event_id):
            state[(cited.type, cited.state_key)] = cited
    for key in judging_state(event):
        standing = resolved.get(key) or base.get(key)
        if standing is not None and not known.is_rejected(standing):
            state[key] = known.event(standing)
    return state
