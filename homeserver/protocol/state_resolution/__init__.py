"""One state out of several: state resolution of room versions 1 to 12 (rooms/, "State resolution").

Pure, and the same whatever the order of the states and of the mappings. No step recurses and the work can be done in slices.
"""

from collections.abc import Container, Generator, Mapping, Sequence
from typing import TypeVar

from homeserver.protocol.event import Event, StateKey
from homeserver.protocol.room_versions import RoomVersion
from homeserver.protocol.state_resolution import v1, v2
from homeserver.protocol.state_resolution.auth_chain import AuthDifference, Edges, auth_difference_steps
from homeserver.protocol.state_resolution.conflict import Conflict, StateMap, separate_steps
from homeserver.protocol.state_resolution.known_events import KnownEvents, cited_by

__all__ = [
    "AuthDifference",
    "Conflict",
    "Edges",
    "StateMap",
    "auth_difference",
    "cited_by",
    "resolve",
    "resolve_conflict_steps",
    "resolve_steps",
    "run",
    "separate",
]

_Result = TypeVar("_Result")


def resolve(
    version: RoomVersion,
    state_sets: Sequence[StateMap],
    events: Mapping[str, Event],
    *,
    rejected: Container[str] = (),
    auth_difference: AuthDifference | None = None,
) -> dict[StateKey, str]:
    """The resolved state, in one go."""
    return run(resolve_steps(version, state_sets, events, rejected=rejected, auth_difference=auth_difference))


def resolve_steps(
    version: RoomVersion,
    state_sets: Sequence[StateMap],
    events: Mapping[str, Event],
    *,
    rejected: Container[str] = (),
    auth_difference: AuthDifference | None = None,
) -> Generator[None, None, dict[StateKey, str]]:
    """The same as a generator that yields between small pieces of work and returns the state.

    `events` holds the conflicted events and their auth chains, and what of the agreed state those are judged by; raises MissingEvents for
    what is not there. Without `auth_difference` the chains of the agreed state may be needed too: better give it, or see `auth_difference`.
    """
    conflict = yield from separate_steps(state_sets, absence_conflicts=version.state_resolution != "v1")
    if not conflict.conflicted:
        return conflict.unconflicted
    resolved = yield from resolve_conflict_steps(version, conflict, events, rejected=rejected, auth_difference=auth_difference)
    return {**resolved, **conflict.unconflicted}


def resolve_conflict_steps(
    version: RoomVersion,
    conflict: Conflict,
    events: Mapping[str, Event],
    *,
    rejected: Container[str] = (),
    auth_difference: AuthDifference | None = None,
) -> Generator[None, None, dict[StateKey, str]]:
    """Only what comes to stand where the states disagree, for a caller that can tell the conflict without reading whole states."""
    known = KnownEvents(events, rejected)
    if version.state_resolution == "v1":
        return (yield from v1.resolve_conflict_steps(conflict, known))
    return (yield from v2.resolve_conflict_steps(version, conflict, known, auth_difference))


def separate(version: RoomVersion, state_sets: Sequence[StateMap]) -> Conflict:
    """Where the states agree and where not."""
    return run(separate_steps(state_sets, absence_conflicts=version.state_resolution != "v1"))


def auth_difference(version: RoomVersion, conflict: Conflict, edges: Edges) -> AuthDifference:
    """What else to look at again, from bare auth edges (`cited_by`); raises MissingEvents for the unknown ones."""
    return run(auth_difference_steps(conflict, edges, subgraph=version.conflicted_subgraph))


def run(steps: Generator[None, None, _Result]) -> _Result:
    """Does all the steps at once."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: _Result = done.value
            return result
