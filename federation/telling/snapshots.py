"""The state of a room at an event, with the events that gave each of its events the right to stand there, recursively.

Server-server API, "GET /state", "GET /state_ids", "GET /event_auth". States and chains never change, so what was found is kept; it is found and read in
pieces, so that a large room stops nobody.
"""

from array import array
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Any, Final, NamedTuple

import orjson

from federation.slots import Slots
from federation.telling.store import GraphStore, Vertex
from homeserver.clock import Clock
from homeserver.figures import CacheFigures
from homeserver.media.locks import NamedLocks
from homeserver.rooms.state_reader import StateReader

PIECE: Final = 500  # events looked at before others have their turn
TOLD: Final = 50  # events in a piece of an answer
READS: Final = 2  # pieces read at a time, over all answers
MOST_BYTES: Final = 16 * 2**20


class Snapshot(NamedTuple):
    """Numbers of the events of a state and of its chain; `ids`: the answer of /state_ids, ready."""

    state: "array[int]"
    chain: "array[int]"
    ids: bytes

    @property
    def weight(self) -> int:
        return 8 * (len(self.state) + len(self.chain)) + len(self.ids)


class Snapshots:
    """By the root of the state, or by the ID of the event that stands for its own chain."""

    def __init__(self, store: GraphStore, states: StateReader, clock: Clock) -> None:
        self._store = store
        self._states = states
        self._clock = clock
        self._kept: OrderedDict[bytes | str, Snapshot] = OrderedDict()
        self._weight = 0
        self._loads = 0
        self._making = NamedLocks()
        self._reads = Slots(READS)

    async def of_state(self, root: bytes) -> Snapshot:
        return await self._get(root)

    async def of_event(self, event_id: str) -> Snapshot:
        """The chain of one event; its state is empty."""
        return await self._get(event_id)

    async def of_some(self, nums: Sequence[int], event_id: str) -> Snapshot:
        """Of a part of a state; the chain is of that event, too, and has nothing that is in the part."""
        state = await self._vertices(nums)
        here = {vertex.num for vertex in state}
        chain = await self._chain([*state, *await self._store.by_id([event_id])])
        return _snapshot(state, [vertex for vertex in chain if vertex.num not in here])

    async def told(self, nums: Sequence[int]) -> AsyncGenerator[bytes, None]:
        """The events as JSON, commas between them, as fast as they are taken."""
        for start in range(0, len(nums), TOLD):
            async with self._reads.of(""):
                pdus = await self._store.pdus(nums[start : start + TOLD])
            yield (b"," if start else b"") + b",".join(pdus)

    @property
    def figures(self) -> CacheFigures:
        return CacheFigures(len(self._kept), self._weight, MOST_BYTES, self._loads)

    async def _get(self, key: bytes | str) -> Snapshot:
        """Who asks for the same meanwhile waits for it."""
        async with self._making.hold(key):
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
                return kept
            self._loads += 1
            snapshot = await (self._of_root(key) if isinstance(key, bytes) else self._of_id(key))
            self._keep(key, snapshot)  # before those who wait go on
        return snapshot

    def _keep(self, key: bytes | str, snapshot: Snapshot) -> None:
        self._kept[key] = snapshot
        self._weight += snapshot.weight
        while self._weight > MOST_BYTES:
            _, old = self._kept.popitem(last=False)
            self._weight -= old.weight

    async def _of_root(self, root: bytes) -> Snapshot:
        nums = await self._states.all_numbers(root)
        nums.sort()
        state = await self._vertices(nums)
        return _snapshot(state, await self._chain(state))

    async def _vertices(self, nums: Sequence[int]) -> list[Vertex]:
        found: list[Vertex] = []
        for start in range(0, len(nums), PIECE):
            async with self._reads.of(""):
                found += await self._store.by_num(nums[start : start + PIECE])
            await self._clock.sleep(0)
        return found

    async def _of_id(self, event_id: str) -> Snapshot:
        return _snapshot([], await self._chain(await self._store.by_id([event_id])))

    async def _chain(self, vertices: Iterable[Vertex]) -> list[Vertex]:
        """All that these cite as their authority, and what that cites."""
        at_hand = {vertex.event_id: vertex for vertex in vertices}
        found: dict[str, Vertex] = {}
        seen: set[str] = set()
        waiting = list(at_hand.values())
        while waiting:
            cited = {event_id for vertex in waiting for event_id in cited_by(vertex.links, "auth_events")} - seen
            seen |= cited
            waiting = []
            wanted = []
            for event_id in cited:
                vertex = at_hand.get(event_id)
                if vertex is None:
                    wanted.append(event_id)
                else:
                    found[event_id] = vertex  # it stands in the state, too: what it cites was looked at first of all
            for start in range(0, len(wanted), PIECE):
                async with self._reads.of(""):
                    waiting += await self._store.by_id(wanted[start : start + PIECE])
                await self._clock.sleep(0)
            found.update((vertex.event_id, vertex) for vertex in waiting)
        return list(found.values())


def cited_by(links: bytes, name: str) -> list[str]:
    """The IDs that an event cites as its `auth_events` or `prev_events`."""
    cited: list[Any] = orjson.loads(b"{%b}" % links)[name]
    return [reference if isinstance(reference, str) else reference[0] for reference in cited]


def _snapshot(state: Sequence[Vertex], chain: Sequence[Vertex]) -> Snapshot:
    ids = b'{"auth_chain_ids":%b,"pdu_ids":%b}' % (
        orjson.dumps([vertex.event_id for vertex in chain]),
        orjson.dumps([vertex.event_id for vertex in state]),
    )
    return Snapshot(array("q", [vertex.num for vertex in state]), array("q", [vertex.num for vertex in chain]), ids)
