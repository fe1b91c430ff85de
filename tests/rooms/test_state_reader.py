"""States read through the caches: whatever is loaded, changed and redacted meanwhile, an answer is what the store says."""

from random import Random
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from homeserver.protocol.room_versions import DEFAULT_ROOM_VERSION
from homeserver.rooms import state_map, state_reader
from homeserver.rooms.state_map import AddressHash
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import StoredEvent
from homeserver.streams import Change, Streams
from tests.support.client import run, start
from tests.support.clock import FakeClock

ROOM = "!room:test"
LINKS = b'"auth_events":[],"depth":1,"prev_events":[]'


def event(num: int, content: bytes = b"{}") -> StoredEvent:
    body = b'"content":%b,"origin_server_ts":0,"sender":"@a:test","state_key":"%d","type":"org.example"' % (content, num)
    return StoredEvent(
        num,
        1,
        num,
        num,
        0,
        0,
        0,
        "org.example",
        "@a:test",
        str(num),
        f"${num}",
        None,
        None,
        None,
        None,
        body,
        LINKS,
        ROOM,
        DEFAULT_ROOM_VERSION,
    )


class Store:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.rows: dict[int, StoredEvent] = {}
        self.bodies: dict[bytes, bytes] = {}
        self.held: list[tuple[Deferred[Any], Any]] | None = None
        self.reads = 0

    async def events_by_num(self, nums: Any) -> Any:
        return await self._answer({num: self.rows[num] for num in nums})

    async def nodes(self, node_ids: Any) -> Any:
        return await self._answer({node: self.bodies[node] for node in node_ids if node in self.bodies})

    async def _answer(self, answer: Any) -> Any:
        self.reads += 1
        if self.held is None:
            return answer
        waiter: Deferred[Any] = Deferred()
        self.held.append((waiter, answer))
        return await waiter

    def release(self) -> None:
        held, self.held = self.held or [], None
        for waiter, answer in held:
            waiter.callback(answer)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def streams() -> Streams:
    return Streams()


@pytest.fixture
def reader(store: Store, streams: Streams) -> StateReader:
    return StateReader(store, AddressHash(b"k" * 32), streams)  # type: ignore[arg-type]  # the part of it that is asked


def fill(store: Store, reader: StateReader, count: int) -> bytes:
    """A state of that many events; its root."""
    store.rows = {num: event(num) for num in range(count)}
    root, made = run(reader.update(state_map.EMPTY, {("org.example", str(num)): num for num in range(count)}))
    store.bodies.update(made)
    return root


def test_an_event_is_read_once(store: Store, reader: StateReader) -> None:
    root = fill(store, reader, 50)
    assert len(run(reader.all(root))) == 50
    reads = store.reads
    assert run(reader.at(root, [("org.example", "3"), ("org.example", "none")])) == {("org.example", "3"): store.rows[3]}
    assert run(reader.one(root, ("org.example", "4"))) is store.rows[4]
    assert run(reader.one(root, ("org.example", "none"))) is None
    assert store.reads == reads


def test_what_is_redacted_is_read_again(store: Store, reader: StateReader, streams: Streams) -> None:
    root = fill(store, reader, 3)
    run(reader.all(root))
    store.rows[1] = event(1, b'{"redacted":1}')
    streams.publish([Change(9, "redacted", ROOM, None, 1)], 9)
    assert [found.content for found in run(reader.all(root))] == [{}, {"redacted": 1}, {}]


def test_what_is_redacted_while_it_is_read_is_not_kept(store: Store, reader: StateReader, streams: Streams) -> None:
    root = fill(store, reader, 3)
    store.held = []
    reading = start(reader.all(root))
    store.rows[1] = event(1, b'{"redacted":1}')
    streams.publish([Change(9, "redacted", ROOM, None, 1)], 9)
    store.release()
    assert reading.called
    assert [found.content for found in run(reader.all(root))] == [{}, {"redacted": 1}, {}]


def test_what_was_stepped_over_is_read_again(store: Store, reader: StateReader, streams: Streams) -> None:
    """Positions that were never announced may have held a redaction."""
    root = fill(store, reader, 3)
    run(reader.all(root))
    store.rows[1] = event(1, b'{"redacted":1}')
    streams.skip_to(9)
    assert [found.content for found in run(reader.all(root))] == [{}, {"redacted": 1}, {}]


def test_small_caches_answer_the_same(store: Store, reader: StateReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_reader, "NODE_CACHE_BYTES", 2_000)
    monkeypatch.setattr(state_reader, "EVENT_CACHE_BYTES", 5_000)
    monkeypatch.setattr(state_reader, "REMEMBERED_ONES", 5)
    root = fill(store, reader, 400)
    chance = Random(1)
    assert sorted(run(reader.all_numbers(root))) == list(range(400))
    for _ in range(50):
        num = chance.randrange(400)
        found = run(reader.one(root, ("org.example", str(num))))
        assert found is not None
        assert found.num == num
    assert [found.num for found in run(reader.all(root))] == list(range(400))
    assert reader.node_figures.weight <= 2_000
    assert reader.event_figures.weight <= 5_000


def test_a_node_that_is_gone_is_an_error(store: Store, reader: StateReader) -> None:
    with pytest.raises(RuntimeError, match="lacks nodes"):
        run(reader.all(b"x" * 16))


def test_differences(store: Store, reader: StateReader) -> None:
    old = fill(store, reader, 100)
    store.rows[100] = event(100)
    new, made = run(reader.update(old, {("org.example", "5"): 100, ("org.example", "6"): None}))
    store.bodies.update(made)
    come, gone = run(reader.changes(old, new))
    assert (sorted(come), sorted(gone)) == ([100], [5, 6])
    assert run(reader.changes(new, new)) == ([], [])


def test_large_changes_in_slices_come_to_the_same(store: Store, streams: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small caches, so that what a slice made is not there for the next but by being handed on."""
    clock = FakeClock()
    monkeypatch.setattr(state_reader, "NODE_CACHE_BYTES", 2_000)
    slow = StateReader(store, AddressHash(b"k" * 32), streams, clock)  # type: ignore[arg-type]
    quick = StateReader(store, AddressHash(b"k" * 32), streams)  # type: ignore[arg-type]
    first = {("org.example", str(num)): num for num in range(1_500)}
    root, made = run(slow.update(state_map.EMPTY, first), clock)
    assert (root, made) == run(quick.update(state_map.EMPTY, first))
    store.bodies.update(made)
    second: dict[tuple[str, str], int | None] = {("org.example", str(num)): None if num % 3 else num + 5_000 for num in range(1_200)}
    changed, more = run(slow.update(root, second), clock)
    expected, nodes = run(quick.update(root, second))
    assert changed == expected
    assert more.items() <= nodes.items()
    store.bodies.update(more)
    assert len(run(slow.all_numbers(changed))) == 700
    come, gone = run(slow.changes(root, changed), clock)
    assert tuple(map(sorted, (come, gone))) == tuple(map(sorted, run(quick.changes(root, changed))))
    assert (len(come), len(gone)) == (400, 1_200)
    assert run(slow.numbers(changed, first), clock) == run(quick.numbers(changed, first))
