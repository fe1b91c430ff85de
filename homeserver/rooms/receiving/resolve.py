"""One state out of several, over states that are maps in the store: only what differs is loaded, and the work is done in slices.

The rules are in `protocol.state_resolution`; here they are given the events they ask for. Rooms/v2, "State resolution".
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from homeserver.clock import Clock
from homeserver.errors import InternalError
from homeserver.protocol.auth_rules import judging_state
from homeserver.protocol.errors import MissingEvents
from homeserver.protocol.event import Event, StateKey
from homeserver.protocol.room_versions import RoomVersion
from homeserver.protocol.state_resolution import AuthDifference, Conflict, cited_by, resolve_conflict_steps
from homeserver.protocol.state_resolution.auth_chain import auth_difference_steps
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import REJECTED, RoomStore, StoredEvent

REMEMBERED = 2_000  # results
EDGES = 200_000  # events
AT_ONCE = 1_000  # events loaded
SLICE_S = 0.01  # then the loop gets its turn

Result = TypeVar("Result")


class Resolved(NamedTuple):
    """The root of a state, and nodes of it that may not be stored yet."""

    root: bytes
    nodes: Mapping[bytes, bytes]


class _Disputed(NamedTuple):
    """Where the states differ."""

    conflict: Conflict  # without what they agree on
    agreed: dict[StateKey, StoredEvent]  # what one state alone has, where that is no conflict (room version 1)
    addresses: frozenset[StateKey]


class Resolver:
    def __init__(self, *, store: RoomStore, states: StateReader, clock: Clock) -> None:
        self._store = store
        self._states = states
        self._clock = clock
        self._remembered: OrderedDict[frozenset[bytes], Resolved] = OrderedDict()
        self._edges: dict[str, tuple[str, ...]] = {}  # what events are authorised by, for ever the same
        self._numbers: dict[str, int] = {}  # by which the reader of states has events at hand

    async def resolve(self, version: RoomVersion, roots: Iterable[bytes], fresh: Mapping[str, StoredEvent]) -> Resolved:
        """`fresh`: events that are not stored yet, by ID."""
        different = list(dict.fromkeys(roots))
        if len(different) == 1:
            return Resolved(different[0], {})
        key = frozenset(different)
        known = self._remembered.get(key)
        if known is None:
            known = await self._resolve(version, sorted(different), fresh)
            self._remembered[key] = known
            while len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        return known

    async def _resolve(self, version: RoomVersion, roots: Sequence[bytes], fresh: Mapping[str, StoredEvent]) -> Resolved:
        events = dict(fresh)
        if len(self._edges) > EDGES:
            self._edges.clear()
        if len(self._numbers) > EDGES:
            self._numbers.clear()
        slice_ = Slice(self._clock)
        disputed = await self._disputed(version, roots, events)
        stands = dict(disputed.agreed)
        if disputed.conflict.conflicted:
            stands.update(await self._settle(version, roots[0], disputed, events))
        changes = {address: event.num if (event := stands.get(address)) is not None else None for address in disputed.addresses}
        changes.update((address, event.num) for address, event in stands.items())
        if slice_.is_over:
            await slice_.next()
        root, nodes = await self._states.update(roots[0], changes)
        return Resolved(root, nodes)

    async def _disputed(self, version: RoomVersion, roots: Sequence[bytes], events: dict[str, StoredEvent]) -> _Disputed:
        numbers: set[int] = set()
        for root in roots[1:]:
            come, gone = await self._states.changes(roots[0], root)
            numbers.update(come, gone)
        differing = {_address(stored): None for stored in (await self._states.events(numbers)).values()}
        found = await self._states.at_many([(root, list(differing)) for root in roots])
        agreed: dict[StateKey, StoredEvent] = {}
        conflicted: dict[StateKey, frozenset[str]] = {}
        slice_ = Slice(self._clock)
        for address in differing:
            if slice_.is_over:
                await slice_.next()
            there = [state[address] for state in found if address in state]
            names = {event.event_id for event in there}
            if version.state_resolution == "v1" and len(names) == 1:
                agreed[address] = there[0]
            else:
                conflicted[address] = frozenset(names)
                events.update((event.event_id, event) for event in there)
        by_set = tuple(frozenset(state[address].event_id for address in conflicted if address in state) for state in found)
        return _Disputed(Conflict({}, conflicted, by_set), agreed, frozenset(differing))

    async def _settle(
        self, version: RoomVersion, root: bytes, disputed: _Disputed, events: dict[str, StoredEvent]
    ) -> dict[StateKey, StoredEvent]:
        """What comes to stand at the conflicted addresses."""
        difference = await self._auth_difference(version, root, disputed, events)
        full = [*disputed.conflict.event_ids(), *difference.difference, *difference.subgraph]
        await self._add(full, events)
        judged: set[StateKey] = set()
        slice_ = Slice(self._clock)
        for event_id in full:
            judged.update(judging_state(events[event_id].event))
            if slice_.is_over:
                await slice_.next()
        judged -= disputed.addresses
        base = {address: event.event_id for address, event in (await self._current(root, judged, events)).items()}
        base.update((address, event.event_id) for address, event in disputed.agreed.items())
        conflict = Conflict(base, disputed.conflict.conflicted, disputed.conflict.by_set)

        def steps() -> Generator[None, None, dict[StateKey, str]]:
            return resolve_conflict_steps(version, conflict, _Parsed(events), rejected=_RejectedOnes(events), auth_difference=difference)

        resolved: dict[StateKey, str] | None = None
        while resolved is None:
            try:
                resolved = await self._run(steps)
            except MissingEvents as error:
                await self._add_lines(error.event_ids, events)
        elsewhere = [address for address in resolved if address not in disputed.addresses]
        overruled = await self._states.numbers(root, elsewhere)
        return {address: events[event_id] for address, event_id in resolved.items() if address not in overruled}

    async def _auth_difference(
        self, version: RoomVersion, root: bytes, disputed: _Disputed, events: dict[str, StoredEvent]
    ) -> AuthDifference:
        """Few of the events that the states agree on, and seldom all of them, have to be looked at."""

        async def against(agreed: Mapping[StateKey, str]) -> AuthDifference:
            conflict = Conflict(dict(agreed), disputed.conflict.conflicted, disputed.conflict.by_set)
            await self._learn_edges(events)
            while True:
                try:
                    return await self._run(lambda: auth_difference_steps(conflict, self._edges, subgraph=version.conflicted_subgraph))
                except MissingEvents as error:
                    await self._load_edges(error.event_ids)

        found = await against({})
        if found.difference:
            await self._add(found.difference, events)
            addresses = {_address(events[event_id]) for event_id in found.difference} - disputed.addresses
            near = await self._current(root, addresses, events)
            found = await against({address: event.event_id for address, event in near.items()})
        if found.difference:
            everything = {_address(event): event for event in await self._states.all(root)}
            events.update((event.event_id, event) for event in everything.values())
            found = await against({address: e.event_id for address, e in everything.items() if address not in disputed.addresses})
        return found

    async def _load_edges(self, event_ids: Iterable[str]) -> None:
        """Of these events and all that they lead to."""
        wanted, slice_ = set(event_ids), Slice(self._clock)
        while wanted:
            found = await self._stored(wanted)
            await self._learn_edges(found)
            wanted = {cited for event_id in found for cited in self._edges[event_id] if cited not in self._edges}
            if slice_.is_over:
                await slice_.next()

    async def _learn_edges(self, events: Mapping[str, StoredEvent]) -> None:
        edges, slice_ = self._edges, Slice(self._clock)
        for event_id, stored in list(events.items()):
            if event_id not in edges:
                edges[event_id] = cited_by(stored.event)
                if slice_.is_over:
                    await slice_.next()

    async def _stored(self, event_ids: Collection[str]) -> dict[str, StoredEvent]:
        """All of them, some at a time."""
        wanted = list(event_ids)
        found: dict[str, StoredEvent] = {}
        for start in range(0, len(wanted), AT_ONCE):
            found.update(await self._store.events(wanted[start : start + AT_ONCE]))
        if len(found) < len(wanted):
            raise InternalError("An event that state resolution needs is not stored")
        return found

    async def _current(self, root: bytes, addresses: Collection[StateKey], events: dict[str, StoredEvent]) -> dict[StateKey, StoredEvent]:
        found = await self._states.at(root, addresses)
        events.update((event.event_id, event) for event in found.values())
        return found

    async def _run(self, begin: Callable[[], Generator[None, None, Result]]) -> Result:
        """Do the steps in slices. Raises MissingEvents."""
        steps, slice_ = begin(), Slice(self._clock)
        try:
            while True:
                next(steps)
                if slice_.is_over:
                    await slice_.next()
        except StopIteration as done:
            result: Result = done.value
            return result

    async def _add_lines(self, event_ids: Iterable[str], events: dict[str, StoredEvent]) -> None:
        """The events, and of power levels the whole line behind them."""
        wanted, slice_ = {event_id for event_id in event_ids if event_id not in events}, Slice(self._clock)
        while wanted:
            await self._add(wanted, events)
            levels = [events[event_id].event for event_id in wanted if events[event_id].type == "m.room.power_levels"]
            wanted = {cited for event in levels for cited in event.auth_events if cited not in events}
            if slice_.is_over:
                await slice_.next()

    async def _add(self, event_ids: Iterable[str], events: dict[str, StoredEvent]) -> None:
        missing = [event_id for event_id in event_ids if event_id not in events]
        if not missing:
            return
        numbers = [self._numbers[event_id] for event_id in missing if event_id in self._numbers]
        found = {event.event_id: event for event in (await self._states.events(numbers)).values()} if numbers else {}
        found.update(await self._stored([event_id for event_id in missing if event_id not in found]))
        self._numbers.update((event_id, event.num) for event_id, event in found.items())
        events.update(found)


class Slice:
    """A stretch of work, after which the loop gets its turn."""

    __slots__ = ("_clock", "_ends")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends = clock.monotonic() + SLICE_S

    @property
    def is_over(self) -> bool:
        return self._clock.monotonic() >= self._ends

    async def next(self) -> None:
        await self._clock.sleep(0)
        self._ends = self._clock.monotonic() + SLICE_S


def _address(event: StoredEvent) -> StateKey:
    """Of a state event, without its being parsed."""
    return event.type, event.state_key or ""


class _Parsed(Mapping[str, Event]):
    """The events as the rules see them; it follows what is added."""

    def __init__(self, events: Mapping[str, StoredEvent]) -> None:
        self._events = events

    def __getitem__(self, event_id: str) -> Event:
        return self._events[event_id].event

    def __contains__(self, event_id: object) -> bool:
        return event_id in self._events

    def __iter__(self) -> Any:
        return iter(self._events)

    def __len__(self) -> int:
        return len(self._events)


class _RejectedOnes:
    """Which of the events were refused for good."""

    def __init__(self, events: Mapping[str, StoredEvent]) -> None:
        self._events = events

    def __contains__(self, event_id: object) -> bool:
        event = self._events.get(event_id) if isinstance(event_id, str) else None
        return event is not None and bool(event.flags & REJECTED)
