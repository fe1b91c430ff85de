from typing import Any

import orjson
import pytest

from homeserver.ephemeral.receipts import Receipts, check_thread_id
from homeserver.errors import Forbidden, InvalidParam, NotFound
from homeserver.rooms.store import SOFT_FAILED
from homeserver.streams import Change, Streams
from storage.personal.receipts import StoredReceipts
from tests.ephemeral.rows import Rows
from tests.support.client import run
from tests.support.clock import FakeClock
from tests.support.storage import open_memory_database

ALICE, BOB = "@alice:test", "@bob:test"
ROOM = "!room"


class Members:
    async def is_joined(self, room_id: str, user_id: str) -> bool:
        return room_id == ROOM and user_id in (ALICE, BOB)

    async def joined_rooms(self, user_id: str) -> list[str]:
        return [ROOM]


class FullyRead:
    def __init__(self) -> None:
        self.marks: list[tuple[str, str, str, int]] = []

    async def mark_fully_read(self, user_id: str, room_id: str, event_id: str, event_position: int) -> None:
        self.marks.append((user_id, room_id, event_id, event_position))


class World:
    def __init__(self) -> None:
        self.streams = Streams()
        database = run(open_memory_database(self.streams))
        self.store = StoredReceipts(database)
        self.fully_read = FullyRead()
        self.clock = FakeClock()
        self.receipts = self.fresh()
        self.rows = Rows(database)
        run(self.rows.room(ROOM))

    def fresh(self) -> Receipts:
        return Receipts(self.store, Members(), self.fully_read, self.clock, self.streams)

    def event(self, event_id: str, **rest: Any) -> int:
        return run(self.rows.event(ROOM, event_id, **rest))

    def read(self, user_id: str, event_id: str, type: str = "m.read", thread_id: str | None = None) -> None:
        run(self.receipts.mark(user_id, ROOM, [(type, event_id)], thread_id))

    def events(self, user_id: str = ALICE, since: int = 0) -> list[Any]:
        """What sync would give, from memory and from the tables alike."""
        answers = [
            [orjson.loads(event) for event in run(parts.room(ROOM)).events(user_id, since)] for parts in (self.receipts, self.fresh())
        ]
        assert answers[0] == answers[1]
        for event in answers[0]:
            assert event.keys() == {"type", "content"}
            assert event["type"] == "m.receipt"
        return [event["content"] for event in answers[0]]


@pytest.fixture
def world() -> World:
    return World()


def test_a_receipt_moves_forward_and_never_back(world: World) -> None:
    world.event("$1")
    world.event("$2")
    world.read(ALICE, "$2")
    start = world.streams.position
    world.read(ALICE, "$1")
    world.read(ALICE, "$2")
    assert world.streams.position == start
    assert world.events() == [{"$2": {"m.read": {ALICE: {"ts": world.clock.now_ms()}}}}]


def test_increments_hold_what_changed(world: World) -> None:
    world.event("$1")
    world.read(ALICE, "$1")
    world.read(BOB, "$1")
    start = world.streams.position
    world.event("$2")
    assert world.events(since=start) == []
    world.read(BOB, "$2")
    assert [list(content) for content in world.events(since=start)] == [["$2"]]
    room = run(world.receipts.room(ROOM))
    assert room.events(ALICE, start) is room.events(BOB, start)
    assert room.events(ALICE, 0, start) != room.events(ALICE)


def test_private_receipts_are_for_oneself(world: World) -> None:
    heard: list[Change] = []
    world.streams.subscribe(heard.extend)
    world.event("$1")
    world.read(BOB, "$1")
    world.read(ALICE, "$1", "m.read.private")
    assert world.events(BOB) == [{"$1": {"m.read": {BOB: {"ts": world.clock.now_ms()}}}}]
    assert set(world.events(ALICE)[0]["$1"]) == {"m.read", "m.read.private"}
    assert [change.kind for change in heard[1:]] == ["receipt", "private_receipt"]


def test_the_later_of_public_and_private_counts_as_read(world: World) -> None:
    places = [world.event(f"${number}") for number in range(3)]
    world.read(ALICE, "$2", "m.read.private")
    world.read(ALICE, "$0")
    room = run(world.receipts.room(ROOM))
    assert room.read_position(ALICE, None) == places[2]
    assert room.read_position(BOB, None) is None
    assert len(world.events()[0]) == 2


def test_threads_are_read_apart_unless_unthreaded(world: World) -> None:
    world.event("$root")
    first = world.event("$t1", thread="$root")
    main = world.event("$m1")
    second = world.event("$t2", thread="$root")
    room = run(world.receipts.room(ROOM))
    world.read(ALICE, "$t1", thread_id="$root")
    assert (room.read_position(ALICE, "$root"), room.read_position(ALICE, None)) == (first, None)
    world.read(ALICE, "$m1", thread_id="main")
    assert (room.read_position(ALICE, "$root"), room.read_position(ALICE, None)) == (first, main)
    world.read(ALICE, "$t2")
    assert (room.read_position(ALICE, "$root"), room.read_position(ALICE, None)) == (second, second)
    data = {"ts": world.clock.now_ms()}
    assert world.events() == [
        {
            "$t1": {"m.read": {ALICE: {**data, "thread_id": "$root"}}},
            "$m1": {"m.read": {ALICE: {**data, "thread_id": "main"}}},
            "$t2": {"m.read": {ALICE: data}},
        }
    ]


@pytest.mark.parametrize("threaded_first", [True, False])
def test_unthreaded_wins_a_clash(world: World, threaded_first: bool) -> None:
    world.event("$root")
    world.event("$t", thread="$root")
    for thread_id in ("$root", None) if threaded_first else (None, "$root"):
        world.read(ALICE, "$t", thread_id=thread_id)
    assert world.events() == [{"$t": {"m.read": {ALICE: {"ts": world.clock.now_ms()}}}}]


def test_two_threads_at_one_event_are_two_events(world: World) -> None:
    world.event("$root")
    world.read(ALICE, "$root", thread_id="main")
    world.read(ALICE, "$root", thread_id="$root")
    assert [content["$root"]["m.read"][ALICE]["thread_id"] for content in world.events()] == ["main", "$root"]


def test_relations_lead_to_the_thread(world: World) -> None:
    world.event("$root")
    world.event("$reference", parent=("$root", "m.reference"))
    world.event("$reaction", parent=("$reference", "m.annotation"))
    world.event("$t", thread="$root", parent=("$root", "m.thread"))
    world.event("$edit", parent=("$t", "m.replace"))
    for event_id, good, bad in (
        ("$root", ("main", "$root"), ("$t",)),
        ("$reaction", ("main", "$root"), ("$t",)),
        ("$t", ("$root",), ("main", "$x")),
        ("$edit", ("$root",), ("main", "$x")),
    ):
        for thread_id in good:
            world.read(ALICE, event_id, thread_id=thread_id)
        for thread_id in bad:
            with pytest.raises(InvalidParam):
                world.read(ALICE, event_id, thread_id=thread_id)


def test_what_cannot_be_read(world: World) -> None:
    world.event("$1")
    world.event("$hidden", flags=SOFT_FAILED)
    for event_id in ("$none", "$hidden"):
        with pytest.raises(NotFound):
            world.read(ALICE, event_id)
    with pytest.raises(Forbidden):
        world.read("@eve:test", "$1")
    with pytest.raises(InvalidParam):
        world.read(ALICE, "$1", "m.seen")


def test_nothing_is_set_when_one_marker_is_bad(world: World) -> None:
    world.event("$1")
    with pytest.raises(NotFound):
        run(world.receipts.mark(ALICE, ROOM, [("m.fully_read", "$1"), ("m.read", "$none")]))
    assert world.fully_read.marks == []
    place = run(world.store.place(ROOM, "$1", relations=False))
    assert place is not None
    run(world.receipts.mark(ALICE, ROOM, [("m.fully_read", "$1"), ("m.read", "$1"), ("m.read.private", "$1")]))
    assert world.fully_read.marks == [(ALICE, ROOM, "$1", place.position)]
    assert set(world.events()[0]["$1"]) == {"m.read", "m.read.private"}


def test_a_remote_receipt_at_an_unknown_event_counts_as_newest(world: World) -> None:
    world.event("$1")
    run(world.receipts.receive(ROOM, "@carl:far", "$unknown", 5, None))
    run(world.receipts.receive(ROOM, "@carl:far", "$1", 6, None))
    assert world.events() == [{"$unknown": {"m.read": {"@carl:far": {"ts": 5}}}}]
    world.event("$2")
    run(world.receipts.receive(ROOM, "@carl:far", "$2", 7, "main"))
    run(world.receipts.receive(ROOM, "@carl:far", "$2", 7, None))
    assert world.events() == [{"$2": {"m.read": {"@carl:far": {"ts": 7}}}}]
    run(world.receipts.receive("!elsewhere", "@carl:far", "$2", 7, None))


def test_many_rooms_are_read_at_once(world: World) -> None:
    run(world.rows.room("!other"))
    run(world.rows.event("!other", "$x"))
    world.event("$1")
    world.read(ALICE, "$1")
    start = world.streams.position
    run(world.receipts.receive("!other", "@carl:far", "$x", 6, None))
    rooms = run(world.fresh().rooms([ROOM, "!other", "!none"]))
    assert {room_id: len(room.events(ALICE)) for room_id, room in rooms.items()} == {ROOM: 1, "!other": 1, "!none": 0}
    far = [f"!none{number}" for number in range(30)]
    assert len(run(world.fresh().rooms([ROOM, *far]))[ROOM].events(ALICE)) == 1
    assert run(world.receipts.changed([ROOM, "!other"], start)) == {"!other"}


@pytest.mark.parametrize("thread_id", ["", 5, ["main"], "x" * 256, "a\0"])
def test_bad_thread_ids(thread_id: object) -> None:
    with pytest.raises(InvalidParam):
        check_thread_id({"thread_id": thread_id}, ["m.read"])


def test_thread_ids_go_with_receipts_only() -> None:
    assert check_thread_id({}, ["m.fully_read"]) is None
    assert check_thread_id({"thread_id": "main"}, ["m.read.private"]) == "main"
    with pytest.raises(InvalidParam):
        check_thread_id({"thread_id": "main"}, ["m.fully_read"])
