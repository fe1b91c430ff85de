"""Nodes of states that a room left, on every driver: noted as it becomes whole, dated at one look, gone at another, and what takes them back."""

from collections.abc import Callable, Iterable
from random import Random
from threading import Event
from typing import Any, cast

import pytest
from twisted.internet.defer import Deferred

from homeserver.protocol.room_versions import room_version
from homeserver.rooms import state_map
from homeserver.rooms.head import RoomHeads
from homeserver.rooms.partial.collect import GRACE_MS, StateCollector
from homeserver.rooms.partial.store import Completion, LeftRoom, WholeNews
from homeserver.rooms.room_lock import RoomLocks
from homeserver.rooms.state_map import EMPTY, AddressHash
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import PARTIAL, EventCommit, Lineage, StoredEvent
from homeserver.streams import Streams
from storage.database import Cursor, Database, WriteCursor
from storage.federation.left_states import _REMOVE as REMOVE
from storage.federation.left_states import StoredLeftStates
from storage.federation.partial_rooms import StoredPartialRooms
from storage.room_commits import write_commits, write_nodes
from storage.rooms import StoredRooms
from tests.storage.rooms.rows import ROOM, Rooms
from tests.support.clock import SeededChance
from tests.support.loop import ThreadLoop

V12 = room_version("12")
DAY_S = GRACE_MS / 1000
BOB = "@bob:test"


class Days:
    """The loop's time, with days that pass at once; pauses are none."""

    def __init__(self, loop: ThreadLoop) -> None:
        self._loop, self.passed = loop, 0.0

    def now_ms(self) -> int:
        return self._loop.now_ms() + int(self.passed * 1000)

    def monotonic(self) -> float:
        return self._loop.monotonic() + self.passed

    def call_later(self, seconds: float, call: Any, *args: Any) -> Any:
        return self._loop.call_later(seconds, call, *args)

    def sleep(self, seconds: float) -> Any:
        return self._loop.sleep(0)


class Bench:
    """A room whose states are made of chance. What this knows of them does not come from the database."""

    def __init__(self, rooms: Rooms, loop: ThreadLoop, streams: Streams, seed: int = 0) -> None:
        self.rooms, self.run, self.turn, self.chance, database = rooms, loop.run, loop.turn, Random(seed), rooms.database
        self.store = StoredRooms(database, rooms.names, SeededChance())
        self.run(self.store.open())
        self.partial, self.left, self.clock = StoredPartialRooms(database, rooms.names), StoredLeftStates(database), Days(loop)
        states = StateReader(self.store, AddressHash(b"k" * 32), streams)
        self.collector = StateCollector(
            left=self.left, store=self.store, heads=RoomHeads(self.store, states), locks=RoomLocks(), streams=streams, clock=self.clock
        )
        self.nodes: dict[bytes, bytes] = {}
        self.num = 0

    def state(self, root: bytes = EMPTY, changes: int = 60) -> tuple[bytes, dict[bytes, bytes]]:
        """Another state made from that, and the nodes made on the way."""
        some: dict[bytes, int | None] = {self.chance.randbytes(8): self.chance.randrange(2**40) for _ in range(changes)}
        for key in self.chance.sample(sorted(keys := state_map.items(root, self.nodes)), min(len(keys), changes // 2)):
            some[key] = None
        root, made = state_map.update(root, some, self.nodes)
        made = state_map.reachable(root, made)  # where parts of it became one leaf, they were made before it
        self.nodes.update(made)
        return root, made

    def event(self, before: bytes, nodes: dict[bytes, bytes], *, flags: int = 0, **more: Any) -> StoredEvent:
        self.num += 1
        event = StoredEvent(
            self.num, 1, None, self.num, flags, 0, 0, "m.test", BOB, None, f"${self.num}", None, None, before, None, b"{}", b"{}", ROOM, V12
        )
        commit = EventCommit(event, Lineage(), nodes=nodes, root=before, becomes_extremity=False, **more)
        self.run(self.store.commit([commit]))
        return event

    def enter(self) -> bytes:
        """In part."""
        root, nodes = self.state()
        self.event(root, nodes, flags=PARTIAL, servers=("far.test",))
        return root

    def finish(self, passed: Iterable[bytes] = (), nodes: dict[bytes, bytes] | None = None) -> bytes:
        """Each event of before gets a state of its own."""
        judged, made = self.run(self.partial.events(ROOM)), dict(nodes or {})
        root = EMPTY
        for event in judged:
            root, more = self.state(root)
            made.update(more)
            event.flags, event.state_before, event.state_after = event.flags & ~PARTIAL, root, None
            event.shown_before = event.shown_after = None
        room = self.run(self.store.room(ROOM))
        assert room is not None
        news = WholeNews(frozenset(), frozenset())
        self.run(self.partial.finish(Completion(room, judged, [], [], [], made, tuple(passed), root, (), (), {}, (), 0, 0, 0, news)))
        return root

    def look(self, days: float = 1.0) -> None:
        self.clock.passed += days * DAY_S
        self.run(self.collector.collect())

    def stored(self) -> dict[bytes, bytes]:
        def ask(cursor: Cursor) -> dict[bytes, bytes]:
            return {row[0]: row[1] for row in cursor.all("SELECT node_id, body FROM state_nodes")}

        return self.run(self.rooms.database.read(ask))

    def dates(self) -> set[int | None]:
        def ask(cursor: Cursor) -> set[int | None]:
            return {row[0] for row in cursor.all("SELECT DISTINCT left_ts FROM state_nodes")}

        return self.run(self.rooms.database.read(ask))

    def needed(self) -> set[bytes]:
        """What the states are made of that rows name."""

        def ask(cursor: Cursor) -> set[bytes]:
            rows = cursor.all("SELECT state_before, state_after, shown_before, shown_after FROM events")
            return {root for row in (*rows, *cursor.all("SELECT root FROM room_roots")) for root in row if root is not None}

        found: set[bytes] = set()
        for root in self.run(self.rooms.database.read(ask)):
            found |= state_map.reachable(root, self.nodes).keys()
        return found

    def check(self) -> None:
        """Every state that a row names can be read in full, and is what it was."""
        stored = self.stored()
        assert self.needed() <= stored.keys()
        assert all(self.nodes[node] == body for node, body in stored.items())


@pytest.fixture
def bench(rooms: Rooms, loop: ThreadLoop, streams: Streams) -> Bench:
    return Bench(rooms, loop, streams)


def test_what_a_room_left_is_gone_after_two_looks(bench: Bench) -> None:
    bench.enter()
    stray, nodes = bench.state()
    bench.finish([stray], nodes)
    assert bench.needed() < bench.stored().keys()
    before = bench.stored()
    bench.look(0)
    bench.look(0.99)
    assert bench.stored() == before
    bench.look(0.02)
    assert bench.stored().keys() == bench.needed()
    assert bench.dates() == {None}
    assert bench.run(bench.left.rooms(2**60)) == []


def test_a_node_that_is_put_again_stays(bench: Bench) -> None:
    part = bench.enter()
    bench.finish()
    bench.look()
    bench.event(part, state_map.reachable(part, bench.nodes))
    bench.look()
    bench.check()
    assert part in bench.stored()
    bench.look()
    bench.look()
    bench.check()
    assert bench.dates() == {None}


def test_so_does_one_that_is_put_after_all_was_met(bench: Bench) -> None:
    """Between the last step of the walk and the removal."""
    part = bench.enter()
    whole = bench.finish()
    bench.look()
    bench.clock.passed += 2 * DAY_S
    (room,) = bench.run(bench.left.rooms(bench.clock.now_ms()))
    due = bench.clock.now_ms()
    dated = bench.run(bench.left.dated(room, due, b"", 500))
    assert part in dated
    bench.event(part, state_map.reachable(part, bench.nodes))
    bench.run(bench.left.remove(room, dated, due))
    bench.check()
    assert {part, whole} <= bench.stored().keys()


def test_a_state_made_from_one_that_is_dated_keeps_what_it_shares(bench: Bench) -> None:
    """It was made in memory before the first look, and is committed between the two, without what both have."""
    part = bench.enter()
    derived, made = bench.state(part, 1)
    bench.finish()
    bench.look()
    bench.event(derived, made)
    shared = state_map.reachable(derived, bench.nodes).keys() - made.keys()
    assert shared
    bench.look()
    bench.check()
    assert shared <= bench.stored().keys()
    assert bench.stored().keys() == bench.needed()
    assert bench.dates() == {None}


def test_a_room_that_is_whole_anew_is_looked_at_anew(bench: Bench) -> None:
    bench.enter()
    bench.finish()
    bench.look()
    (room,) = bench.run(bench.left.rooms(2**60))
    bench.enter()
    assert bench.run(bench.left.rooms(2**60)) == []
    before = bench.stored()
    dated = bench.run(bench.left.dated(room, 2**60, b"", 500))
    assert dated
    steps = (
        bench.left.remove(room, dated, 2**60), bench.left.forget(room, dated), bench.left.date(room, dated, 5),
    )  # fmt: skip
    assert [bench.run(step) for step in steps] == [None, False, False]
    bench.finish()
    assert bench.run(bench.left.remove(room, dated, 2**60)) is None
    assert before.keys() <= bench.stored().keys()
    assert bench.dates() == {None, 0}
    bench.look()
    assert before.keys() <= bench.stored().keys()
    bench.look()
    assert bench.stored().keys() == bench.needed()


def test_setting_the_clock_ages_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.enter()
    bench.finish()
    bench.look(0)
    before = bench.stored()
    monkeypatch.setattr(bench.clock, "now_ms", lambda: 2**50)
    bench.look(0)
    assert bench.stored() == before


def test_states_come_page_by_page(bench: Bench) -> None:
    roots = {bench.event(*bench.state(changes=2)).state_before for _ in range(7)}
    found: set[bytes] = set()
    last: int | None = -1
    pages = 0
    while last is not None:
        some, last = bench.run(bench.left.roots(1, last, 3))
        found |= some
        pages += 1
    assert (found, pages) == (roots, 3)


class Killed(Exception):
    pass


@pytest.mark.parametrize("seed", range(3))
def test_whatever_comes_between(rooms: Rooms, loop: ThreadLoop, streams: Streams, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """States change, fork, are made of others in memory; the room is entered in part and becomes whole; looks end at any step."""
    bench = Bench(rooms, loop, streams, seed)
    monkeypatch.setattr("homeserver.rooms.partial.collect.STEP", 7)
    chance, steps = bench.chance, [10**9]
    change = bench.left._change

    async def step(room: LeftRoom, work: Any) -> int | None:
        steps[0] -= 1
        if steps[0] < 0:
            raise Killed
        return await change(room, work)

    monkeypatch.setattr(bench.left, "_change", step)
    current = bench.enter()
    named, is_partial = [current], True
    for _ in range(60):
        does = chance.choice(("event", "event", "state", "fork", "turn", "look", "look"))
        if does == "turn":
            named = [bench.finish() if is_partial else bench.enter()]
            current, is_partial = named[0], not is_partial
        elif does == "look":
            steps[0] = chance.choice((1, 3, 10**9))
            bench.look(chance.choice((0.0, 0.5, 1.0, 3.0)))
        else:
            base = chance.choice(named) if does == "fork" else current
            current, made = (base, {}) if does == "event" else bench.state(base, chance.choice((1, 5, 40)))
            named.append(current)
            bench.event(current, made, flags=PARTIAL if is_partial else 0)
        bench.check()
    bench.finish()
    steps[0] = 10**9
    bench.look()
    bench.look()
    assert bench.stored().keys() == bench.needed()
    assert bench.dates() == {None}
    assert len(bench.stored()) < len(bench.nodes)


class Counting:
    """A cursor that remembers what is asked about nodes."""

    def __init__(self, cursor: WriteCursor) -> None:
        self._cursor, self.asked = cursor, list[str]()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._cursor, name)

        def call(*given: Any) -> Any:
            if given and isinstance(given[0], str) and "state_nodes" in given[0]:
                self.asked.append(given[0])
            return method(*given)

        return call


@pytest.mark.parametrize("is_state", [False, True])
def test_what_is_sent_costs_no_statement_more(bench: Bench, *, is_state: bool) -> None:
    part = bench.enter()
    bench.finish()
    bench.look()
    event = StoredEvent(90, 1, None, 90, 0, 0, 0, "m.test", BOB, None, "$90", None, None, part, None, b"{}", b"{}", ROOM, V12)
    nodes = state_map.reachable(part, bench.nodes) if is_state else {}
    commit = EventCommit(event, Lineage(), nodes=nodes, root=part if is_state else None, becomes_extremity=False)

    def write(cursor: WriteCursor) -> list[str]:
        counting = Counting(cursor)
        write_commits(cast("WriteCursor", counting), [[commit]])
        return counting.asked

    assert len(bench.run(bench.rooms.database.write(write))) == int(is_state)


@pytest.mark.parametrize("removes_first", [False, True])
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_removal_and_a_commit_of_two_processes(bench: Bench, database_factory: Callable[..., Database], *, removes_first: bool) -> None:
    """One has done its part, and waits with its commit for the other to come upon it."""
    part = bench.enter()
    bench.finish()
    bench.look()
    bench.clock.passed += 2 * DAY_S
    (room,) = bench.run(bench.left.rooms(bench.clock.now_ms()))
    dated = bench.run(bench.left.dated(room, bench.clock.now_ms(), b"", 500))
    needed = state_map.reachable(part, bench.nodes)
    assert needed.keys() <= set(dated)
    began, goes_on = Event(), Event()

    def remove(cursor: WriteCursor) -> None:
        cursor.run(REMOVE, dated, bench.clock.now_ms())

    def put(cursor: WriteCursor) -> None:
        write_nodes(cursor, {node: (1, body) for node, body in needed.items()})
        cursor.value("SELECT 1")

    first, second = (remove, put) if removes_first else (put, remove)

    def holding(cursor: WriteCursor) -> None:
        first(cursor)
        began.set()
        goes_on.wait(60)

    def following(cursor: WriteCursor) -> None:
        goes_on.set()
        second(cursor)

    other = database_factory()
    held = bench.rooms.database.write(holding)
    while not began.is_set():
        bench.turn()
    bench.run(other.write(following))
    bench.run(held)
    assert needed.keys() <= bench.stored().keys()


def test_a_server_that_stops_does_not_wait_for_a_whole_room(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.enter()
    bench.finish()
    before, asked = bench.stored(), list[int]()

    async def roots(room_num: int, after: int, limit: int) -> tuple[set[bytes], int]:
        asked.append(after)
        if len(asked) == 3:
            Deferred.fromCoroutine(bench.collector.stop())
        return set(), after + limit

    monkeypatch.setattr(bench.left, "roots", roots)
    bench.look()
    assert len(asked) == 3
    assert bench.stored() == before
    assert bench.dates() == {None, 0}
