"""Where states agree and where they do not: rooms/v1 "State resolution", rooms/v2 "Unconflicted state map and conflicted state set"."""

from collections.abc import Generator, Mapping, Sequence
from typing import NamedTuple

from homeserver.protocol.event import StateKey

StateMap = Mapping[StateKey, str]  # address → event ID


class Conflict(NamedTuple):
    """Several states, taken apart."""

    unconflicted: dict[StateKey, str]
    conflicted: dict[StateKey, frozenset[str]]
    by_set: tuple[frozenset[str], ...]  # for each state the events it has at the conflicted addresses

    def event_ids(self) -> frozenset[str]:
        """The conflicted state set."""
        return frozenset().union(*self.by_set)


def separate_steps(state_sets: Sequence[StateMap], *, absence_conflicts: bool) -> Generator[None, None, Conflict]:
    """Takes the states apart, each looked through once; `absence_conflicts`: a state that lacks an address disagrees about it (version 2)."""
    if not state_sets:
        return Conflict({}, {}, ())
    first = state_sets[0]
    differing: set[StateKey] = set()
    for state in state_sets[1:]:
        differing.update(_differing(first, state))
        yield
    unconflicted = dict(first)
    conflicted: dict[StateKey, frozenset[str]] = {}
    for key in differing:
        found = [event_id for state in state_sets if (event_id := state.get(key)) is not None]
        if len(found) < len(state_sets) and not absence_conflicts and len(set(found)) == 1:
            unconflicted[key] = found[0]
            continue
        unconflicted.pop(key, None)
        conflicted[key] = frozenset(found)
    by_set = tuple(frozenset(state[key] for key in conflicted if key in state) for state in state_sets)
    return Conflict(unconflicted, conflicted, by_set)


def _differing(first: StateMap, other: StateMap) -> list[StateKey]:
    if other is first:
        return []
    get = first.get
    differing = [key for key, event_id in other.items() if get(key) != event_id]
    common = len(other) - sum(1 for key in differing if key not in first)
    if common < len(first):
        differing.extend(key for key in first if key not in other)
    return differing
