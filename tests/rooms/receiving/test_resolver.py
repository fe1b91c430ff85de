"""States resolved in the store, where only what differs is looked at, against the rules over whole states: in generated rooms of every version."""

from collections.abc import Iterable

import pytest
from twisted.internet.defer import Deferred, succeed

from homeserver.protocol.event import Event, StateKey
from homeserver.protocol.room_versions import ROOM_VERSIONS, RoomVersion
from homeserver.protocol.state_resolution import resolve
from homeserver.rooms import state_map
from homeserver.rooms.receiving.resolve import Resolver
from homeserver.rooms.state_map import AddressHash
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import REJECTED, StoredEvent
from homeserver.streams import Streams
from tests.protocol.oracle.generate import choose_states, grow
from tests.protocol.oracle.story import Draft, Story, Tip
from tests.protocol.rooms.generated import HonestStory, as_event
from tests.support.client import run
from tests.support.clock import FakeClock

ROOMS = 60
KEY = b"0123456789abcdef"


class LooseStory(HonestStory):
    """Anything may happen, allowed or not."""

    def add(self, tip: Tip, draft: Draft) -> str:
        label = Story.add(self, tip, draft)
        self.by_id[f"${label}"] = as_event(self, self.by_label[label])
        return label

    def merge(self, one: Tip, other: Tip) -> Tip:
        return Story.merge(self, one, other)


class Shelf:
    """As much of RoomStore as reading needs."""

    def __init__(self, events: Iterable[StoredEvent]) -> None:
        self._by_id = {event.event_id: event for event in events}
        self._by_num = {event.num: event for event in self._by_id.values()}
        self.bodies: dict[bytes, bytes] = {}

    async def events(self, event_ids: Iterable[str]) -> dict[str, StoredEvent]:
        return {event_id: self._by_id[event_id] for event_id in event_ids if event_id in self._by_id}

    async def events_by_num(self, nums: Iterable[int]) -> dict[int, StoredEvent]:
        return {num: self._by_num[num] for num in nums}

    async def nodes(self, node_ids: Iterable[bytes]) -> dict[bytes, bytes]:
        return {node: self.bodies[node] for node in node_ids if node in self.bodies}


def shelved(num: int, event: Event, *, rejected: bool) -> StoredEvent:
    stored = StoredEvent(
        num, 1, num, num, REJECTED if rejected else 0, 0, 0, event.type, event.sender, event.state_key, event.event_id, None, None, None,
        None, b"", b"", event.room_id, event.version,
    )  # fmt: skip
    stored.remember(event)
    return stored


class RestlessClock(FakeClock):
    """No stretch of work is short enough: others have their turn wherever they may."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0
        self.turns = 0

    def monotonic(self) -> float:
        self.passed += 1.0
        return self.passed

    def sleep(self, seconds: float) -> Deferred[None]:
        self.turns += 1
        return succeed(None)


class Case:
    """One room with the resolver under test."""

    def __init__(self, story: HonestStory, rejected: set[str]) -> None:
        self._version: RoomVersion = story.room_version
        self._rejected = rejected
        self._events = story.by_id
        self._records = {
            event_id: shelved(num, event, rejected=event_id in rejected)
            for num, (event_id, event) in enumerate(story.by_id.items(), start=1)
        }
        shelf = Shelf(self._records.values())
        self._hash = AddressHash(KEY)
        self.clock = RestlessClock()
        states = StateReader(shelf, self._hash, Streams(), self.clock)  # type: ignore[arg-type]
        self._shelf, self._states = shelf, states
        self._resolver = Resolver(store=shelf, states=states, clock=self.clock)  # type: ignore[arg-type]

    def check(self, labels: list[list[str]]) -> bool:
        """Whether there was anything to decide."""
        sets = [{self._events[f"${label}"].address: f"${label}" for label in state} for state in labels]
        expected = resolve(self._version, sets, self._events, rejected=self._rejected)
        found = run(self._resolver.resolve(self._version, [self._root(state) for state in sets], {}))
        self._shelf.bodies.update(found.nodes)
        entries = {event.address: event.event_id for event in (stored.event for stored in run(self._states.all(found.root)))}
        assert entries == expected
        return any(state != sets[0] for state in sets)

    def _root(self, state: dict[StateKey, str]) -> bytes:
        entries = {self._hash(*address): self._records[event_id].num for address, event_id in state.items()}
        root, bodies = state_map.update(state_map.EMPTY, entries, {})
        self._shelf.bodies.update(bodies)
        return root


@pytest.mark.parametrize("kind", [HonestStory, LooseStory])
@pytest.mark.parametrize("version", ROOM_VERSIONS, ids=lambda version: f"v{version}")
def test_the_same_comes_out(version: str, kind: type[HonestStory]) -> None:
    disputes = turns = 0
    for seed in range(ROOMS):
        story = kind(int(version), seed)
        tips = grow(story)
        rejected: set[str] = set()
        if kind is LooseStory and seed % 6 == 0:
            rejected = {event_id for event_id in list(story.by_id)[2:] if story.random.random() < 0.1}
        case = Case(story, rejected)
        disputes += sum(case.check(choose_states(story, tips)) for _ in range(2))
        turns += case.clock.turns
    assert disputes > ROOMS
    assert turns > 10 * disputes
