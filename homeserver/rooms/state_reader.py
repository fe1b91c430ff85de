"""Reads and changes states (`state_map`) through the store, with the nodes and events in use kept in memory.

Both caches are bounded by bytes. Events change only by redaction, which `Streams` tells.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from homeserver.clock import Clock
from homeserver.figures import CacheFigures
from homeserver.protocol.event import StateKey
from homeserver.rooms import state_map
from homeserver.rooms.partial.store import WHOLE_ROOM
from homeserver.rooms.state_map import AddressHash, MissingNodes
from homeserver.rooms.store import RoomStore, StoredEvent
from homeserver.streams import Change, Streams

NODE_CACHE_BYTES = 8 * 2**20
EVENT_CACHE_BYTES = 32 * 2**20
_EVENT_OVERHEAD = 1800  # of a record beside its bytes, once it is parsed
REMEMBERED_ONES = 10_000
LARGE = 1_000  # changes of a state, or events: more are made, or loaded, in slices
SLICE = 250
SLICE_S = 0.01  # questions for nodes, before the loop gets its turn

Result = TypeVar("Result")


class StateReader:
    """What is at an address, in a given state."""

    def __init__(self, store: RoomStore, address_hash: AddressHash, streams: Streams, clock: Clock | None = None) -> None:
        """`clock`: with it, large changes are made in slices."""
        self._store = store
        self._clock = clock
        self.address_hash = address_hash
        self._nodes: dict[bytes, bytes] = {}
        self._node_bytes = 0
        self._events: dict[int, StoredEvent] = {}
        self._event_bytes = 0
        self._node_loads = 0
        self._event_loads = 0
        self._redactions = 0  # what is being read while one comes may be read too early
        self._ones: dict[tuple[bytes, StateKey], int | None] = {}
        streams.subscribe(self._follow)

    async def numbers(self, root: bytes, addresses: Iterable[StateKey]) -> dict[StateKey, int]:
        """The event numbers at those addresses, as far as there are any."""
        return (await self.numbers_many([(root, addresses)]))[0]

    async def numbers_many(self, questions: Iterable[tuple[bytes, Iterable[StateKey]]]) -> list[dict[StateKey, int]]:
        """As `numbers`, for many states at once."""
        hashed = [(root, await self._hashed(addresses)) for root, addresses in questions]
        parts = [(at, root, part) for at, (root, keys) in enumerate(hashed) for part in _in_slices(list(keys))]
        answers = await self._with_nodes([partial(state_map.look_up, root, part) for _, root, part in parts])
        found: list[dict[StateKey, int]] = [{} for _ in hashed]
        for (at, _, _), answer in zip(parts, answers, strict=True):
            keys = hashed[at][1]
            found[at].update((keys[key], number) for key, number in answer.items())
        return found

    async def _hashed(self, addresses: Iterable[StateKey]) -> dict[bytes, StateKey]:
        keys: dict[bytes, StateKey] = {}
        for address in addresses:
            keys[self.address_hash(*address)] = address
            if len(keys) % LARGE == 0 and self._clock is not None:
                await self._clock.sleep(0)
        return keys

    async def one(self, root: bytes, address: StateKey) -> StoredEvent | None:
        """What is at one address; remembered, since many readers of a room ask the same."""
        key = (root, address)
        if key in self._ones:
            number = self._ones[key]
        else:
            number = (await self.numbers(root, [address])).get(address)
            if len(self._ones) >= REMEMBERED_ONES:
                self._ones.clear()
            self._ones[key] = number
        if number is None:
            return None
        event = self._events.get(number)
        return event if event is not None else (await self.events([number]))[number]

    async def at(self, root: bytes, addresses: Iterable[StateKey]) -> dict[StateKey, StoredEvent]:
        """The state events at those addresses, as far as there are any."""
        return (await self.at_many([(root, addresses)]))[0]

    async def at_many(self, questions: Iterable[tuple[bytes, Iterable[StateKey]]]) -> list[dict[StateKey, StoredEvent]]:
        """As `at`, for many states at once: one trip to the store for the nodes of a level, one for the events."""
        numbers = await self.numbers_many(questions)
        events = await self.events({number for part in numbers for number in part.values()})
        return [{address: events[number] for address, number in part.items()} for part in numbers]

    async def all_numbers(self, root: bytes) -> list[int]:
        return (await self.all_numbers_many([root]))[0]

    async def all_numbers_many(self, roots: Iterable[bytes]) -> list[list[int]]:
        """The numbers of every state event, for many states."""
        found = await self._with_nodes([partial(state_map.items, root) for root in roots])
        return [list(entries.values()) for entries in found]

    async def all(self, root: bytes) -> list[StoredEvent]:
        """Every state event of that state, in order of their numbers."""
        numbers = await self.all_numbers(root)
        events = await self.events(numbers)
        return [events[number] for number in sorted(numbers)]

    async def changes(self, old: bytes, new: bytes) -> tuple[list[int], list[int]]:
        """(numbers in `new` and not in `old`, numbers in `old` and not in `new`); costs what differs."""
        if old == new:
            return [], []
        (parts,) = await self._with_nodes([partial(state_map.differing_parts, old, new)])
        found = await self._with_nodes([partial(state_map.difference, before, after) for before, after in parts])
        return [number for come, _ in found for number in come.values()], [number for _, gone in found for number in gone.values()]

    async def update(self, root: bytes, changes: Mapping[StateKey, int | None]) -> tuple[bytes, dict[bytes, bytes]]:
        """The state after the changes and its new nodes, to be stored with the event that makes it."""
        if len(changes) > LARGE and self._clock is not None:
            return await self._update_slowly(root, changes, self._clock)
        hashed = {self.address_hash(*address): number for address, number in changes.items()}
        ((root, made),) = await self._with_nodes([partial(state_map.update, root, hashed)])
        for identity, body in made.items():
            self._keep_node(identity, body)
        return root, made

    async def _update_slowly(self, root: bytes, changes: Mapping[StateKey, int | None], clock: Clock) -> tuple[bytes, dict[bytes, bytes]]:
        """In the order of the hashes, so that each slice changes nodes of its own."""
        hashed: dict[bytes, int | None] = {}
        for number, (address, event) in enumerate(changes.items(), start=1):
            hashed[self.address_hash(*address)] = event
            if number % LARGE == 0:
                await clock.sleep(0)
        made: dict[bytes, bytes] = {}
        keys = sorted(hashed)
        for start in range(0, len(keys), SLICE):
            some = {key: hashed[key] for key in keys[start : start + SLICE]}
            ((root, more),) = await self._with_nodes([partial(state_map.update, root, some)], made)
            made.update(more)
            await clock.sleep(0)
        kept = state_map.reachable(root, made)
        for identity, body in kept.items():
            self._keep_node(identity, body)
        return root, kept

    async def events(self, numbers: Iterable[int]) -> dict[int, StoredEvent]:
        """Events by their compact numbers; all must exist."""
        wanted = list(numbers)
        cached = self._events
        found = {number: cached[number] for number in wanted if number in cached}
        if len(found) < len(wanted):
            missing = [number for number in wanted if number not in found]
            for start in range(0, len(missing), LARGE):
                found.update(await self._load(missing[start : start + LARGE]))
        return found

    async def _load(self, numbers: Sequence[int]) -> dict[int, StoredEvent]:
        self._event_loads += 1
        redactions = self._redactions
        loaded = await self._store.events_by_num(numbers)
        if redactions == self._redactions:
            for event in loaded.values():
                self.keep(event)
        return loaded

    def keep(self, event: StoredEvent) -> None:
        """Remember a committed event that is state."""
        if event.num in self._events:
            return
        self._events[event.num] = event
        self._event_bytes += len(event.body) + len(event.links) + _EVENT_OVERHEAD
        while self._event_bytes > EVENT_CACHE_BYTES:
            old = self._events.pop(next(iter(self._events)))
            self._event_bytes -= len(old.body) + len(old.links) + _EVENT_OVERHEAD

    @property
    def node_figures(self) -> CacheFigures:
        return CacheFigures(len(self._nodes), self._node_bytes, NODE_CACHE_BYTES, self._node_loads)

    @property
    def event_figures(self) -> CacheFigures:
        return CacheFigures(len(self._events), self._event_bytes, EVENT_CACHE_BYTES, self._event_loads)

    def _keep_node(self, identity: bytes, body: bytes) -> None:
        if identity in self._nodes:
            return
        self._nodes[identity] = body
        self._node_bytes += len(body) + 150
        while self._node_bytes > NODE_CACHE_BYTES:
            old = self._nodes.pop(next(iter(self._nodes)))
            self._node_bytes -= len(old) + 150

    async def _with_nodes(
        self, questions: Sequence[Callable[[Mapping[bytes, bytes]], Result]], made: Mapping[bytes, bytes] | None = None
    ) -> list[Result]:
        """Ask the pure questions, loading what they lack, level by level. `made`: nodes that are not stored."""
        answers: dict[int, Result] = {}
        nodes: dict[bytes, bytes] = self._nodes
        if made:
            nodes = _Overlay(self._nodes)
            nodes.update(made)
        clock = self._clock if len(questions) > 1 else None
        ends = 0.0 if clock is None else clock.monotonic() + SLICE_S
        while True:
            missing: set[bytes] = set()
            for index, question in enumerate(questions):
                if index not in answers:
                    if clock is not None and clock.monotonic() >= ends:
                        await clock.sleep(0)
                        ends = clock.monotonic() + SLICE_S
                    try:
                        answers[index] = question(nodes)
                    except MissingNodes as error:
                        missing |= error.node_ids
            if not missing:
                return [answers[index] for index in range(len(questions))]
            self._node_loads += 1
            loaded = await self._store.nodes(missing)
            if len(loaded) < len(missing):
                raise RuntimeError("the database lacks nodes of a state")
            if nodes is self._nodes:
                nodes = _Overlay(self._nodes)
            nodes.update(loaded)
            for identity, body in loaded.items():
                self._keep_node(identity, body)

    def _follow(self, changes: list[Change]) -> None:
        if not changes:  # positions were stepped over, perhaps redactions
            self._redactions += 1
            self._events.clear()
            self._event_bytes = 0
        for change in changes:
            if change.kind == "event" and change.subject is not None and change.subject.state_key is not None:
                self.keep(change.subject)
            elif change.kind == WHOLE_ROOM:  # events of the room stand in other states than before
                self._redactions += 1
                self._events.clear()
                self._event_bytes = 0
            elif change.kind == "redacted":
                self._redactions += 1
                dropped = self._events.pop(change.subject, None)
                if dropped is not None:
                    self._event_bytes -= len(dropped.body) + len(dropped.links) + _EVENT_OVERHEAD


def _in_slices(keys: list[bytes]) -> Iterable[list[bytes]]:
    """The whole where it is small."""
    if len(keys) <= LARGE:
        return (keys,)
    return [keys[start : start + SLICE] for start in range(0, len(keys), SLICE)]


class _Overlay(dict[bytes, bytes]):
    """Nodes gathered for one question over those cached: a question keeps what it loaded, however small the cache."""

    def __init__(self, below: dict[bytes, bytes]) -> None:
        super().__init__()
        self._below = below

    def get(self, key: bytes, default: bytes | None = None) -> bytes | None:  # type: ignore[override]
        body = super().get(key)
        return body if body is not None else self._below.get(key, default)
