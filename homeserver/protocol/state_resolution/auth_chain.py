"""What differs behind the conflict: rooms/v2 "Auth chain", "Auth difference", rooms/v12 "Conflicted state subgraph".

As all servers do, a state's own events are counted to its auth chain; and where the room ID names the create event, every event counts as
citing it. Only the edges are looked at, so a caller that keeps those in a compact form needs no event here.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import NamedTuple

from homeserver.protocol.errors import MissingEvents
from homeserver.protocol.state_resolution.conflict import Conflict

Edges = Mapping[str, Sequence[str]]  # event ID → the events it is authorised by, directly

_STRIDE = 500  # events between two yields


class AuthDifference(NamedTuple):
    """Events besides the conflicted ones that must be looked at again."""

    difference: frozenset[str]
    subgraph: frozenset[str] = frozenset()  # only asked for where the version replays it


def auth_difference_steps(conflict: Conflict, edges: Edges, *, subgraph: bool) -> Generator[None, None, AuthDifference]:
    """The difference, and if asked for the subgraph, of the conflict; raises MissingEvents for edges that are not known.

    Only the chains of conflicted events are followed, unless something is left that an unconflicted event might have brought into every state.
    """
    reached = yield from _mark_steps(conflict.by_set, edges)
    everywhere = (1 << len(conflict.by_set)) - 1
    conflicted = conflict.event_ids()
    partial = {event_id for event_id, mark in reached.items() if mark != everywhere and event_id not in conflicted}
    if partial:
        partial.difference_update(conflict.unconflicted.values())
    if partial:
        yield from _remove_reachable_steps(partial, conflict.unconflicted.values(), edges)
    between: frozenset[str] = frozenset()
    if subgraph:
        between = yield from _between_steps(conflicted, reached.keys(), edges)
    return AuthDifference(frozenset(partial), between)


def _mark_steps(by_set: Sequence[frozenset[str]], edges: Edges) -> Generator[None, None, dict[str, int]]:
    """All events in the chains, each with one bit for every state whose conflicted events lead to it. Each event is looked at once."""
    marks: dict[str, int] = {}
    finished = yield from _finished_steps({event_id for event_ids in by_set for event_id in event_ids}, edges)
    for index, event_ids in enumerate(by_set):
        for event_id in event_ids:
            marks[event_id] = marks.get(event_id, 0) | 1 << index
    for count, event_id in enumerate(reversed(finished), start=1):
        mark = marks[event_id]
        for cited in edges[event_id]:
            marks[cited] = marks.get(cited, 0) | mark
        if count % _STRIDE == 0:
            yield
    return marks


def _finished_steps(starts: Iterable[str], edges: Edges) -> Generator[None, None, list[str]]:
    """What the starts lead to, they among it, each after all that it cites."""
    finished: dict[str, None] = {}
    begun: set[str] = set()
    missing: set[str] = set()
    stack = list(starts)
    count = 0
    while stack:
        event_id = stack[-1]
        if event_id in begun:
            stack.pop()
            finished.setdefault(event_id)
            continue
        begun.add(event_id)
        cited = edges.get(event_id)
        if cited is None:
            missing.add(event_id)
        else:
            stack.extend(other for other in cited if other not in begun)
        count += 1
        if count % _STRIDE == 0:
            yield
    if missing:
        raise MissingEvents(missing)
    return list(finished)


def _remove_reachable_steps(wanted: set[str], roots: Iterable[str], edges: Edges) -> Generator[None, None, None]:
    """Takes from `wanted` what the roots lead to."""
    seen: set[str] = set()
    missing: set[str] = set()
    stack = list(roots)
    count = 0
    while stack and wanted:
        event_id = stack.pop()
        if event_id in seen:
            continue
        seen.add(event_id)
        wanted.discard(event_id)
        cited = edges.get(event_id)
        if cited is None:
            missing.add(event_id)
        else:
            stack.extend(cited)
        count += 1
        if count % _STRIDE == 0:
            yield
    if wanted and missing:
        raise MissingEvents(missing)


def _between_steps(conflicted: frozenset[str], reached: Iterable[str], edges: Edges) -> Generator[None, None, frozenset[str]]:
    """Of what conflicted events lead to, that which leads to a conflicted event."""
    citing: dict[str, list[str]] = {}
    count = 0
    for event_id in reached:
        for cited in edges[event_id]:
            citing.setdefault(cited, []).append(event_id)
        count += 1
        if count % _STRIDE == 0:
            yield
    between: set[str] = set()
    stack = list(conflicted)
    while stack:
        event_id = stack.pop()
        if event_id in between:
            continue
        between.add(event_id)
        stack.extend(citing.get(event_id, ()))
        count += 1
        if count % _STRIDE == 0:
            yield
    return frozenset(between)
