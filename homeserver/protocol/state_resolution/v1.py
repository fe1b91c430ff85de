"""State resolution of room version 1: rooms/v1, "State resolution".

What the text leaves open is done as other servers do: conflicted members do not speak for each other, and if no candidate of an ordinary
address is allowed, the one of least depth stands. Rejected events are no candidates.
"""

import hashlib
from collections.abc import Generator, Iterable, Mapping

from homeserver.protocol.auth_rules import judging_state
from homeserver.protocol.event import Event, StateKey
from homeserver.protocol.state_resolution.conflict import Conflict
from homeserver.protocol.state_resolution.known_events import KnownEvents

_PASSES = (("m.room.power_levels", ""), ("m.room.join_rules", None), ("m.room.member", None))


def resolve_conflict_steps(conflict: Conflict, known: KnownEvents) -> Generator[None, None, dict[StateKey, str]]:
    """What comes to stand at the conflicted addresses."""
    known.require(conflict.event_ids())
    candidates: dict[StateKey, list[Event]] = {}
    for key, event_ids in conflict.conflicted.items():
        accepted = [known.event(event_id) for event_id in event_ids if not known.is_rejected(event_id)]
        if accepted:
            candidates[key] = sorted(accepted, key=_oldest_first)
        yield
    state = _agreed_state(conflict, candidates, known)
    resolved: dict[StateKey, Event] = {}
    for type_, state_key in _PASSES:
        chosen: dict[StateKey, Event] = {}
        for key, events in candidates.items():
            if key[0] == type_ and state_key in (None, key[1]):
                chosen[key] = _last_of_allowed_run(events, state, known)
                yield
        resolved.update(chosen)
        state.update(chosen)
    for key, events in candidates.items():
        if key not in resolved:
            resolved[key] = _newest_allowed(events, state, known)
            yield
    return {key: event.event_id for key, event in resolved.items()}


def _oldest_first(event: Event) -> tuple[int, bytes]:
    digest = hashlib.sha1(event.event_id.encode("utf-8"), usedforsecurity=False).digest()
    return (event.depth, bytes(255 - byte for byte in digest))


def _agreed_state(conflict: Conflict, candidates: Mapping[StateKey, Iterable[Event]], known: KnownEvents) -> dict[StateKey, Event]:
    """The unconflicted state as far as candidates are judged by it."""
    keys = {key for events in candidates.values() for event in events for key in judging_state(event)}
    agreed = {key: conflict.unconflicted[key] for key in keys if key in conflict.unconflicted}
    known.require(agreed.values())
    return {key: known.event(event_id) for key, event_id in agreed.items()}


def _last_of_allowed_run(events: list[Event], state: Mapping[StateKey, Event], known: KnownEvents) -> Event:
    """The oldest stands unasked; each next replaces it while it is allowed."""
    standing = events[0]
    for event in events[1:]:
        if not known.is_allowed(event, {**state, standing.address: standing}):
            break
        standing = event
    return standing


def _newest_allowed(events: list[Event], state: Mapping[StateKey, Event], known: KnownEvents) -> Event:
    for event in reversed(events):
        if known.is_allowed(event, state):
            return event
    return events[0]
