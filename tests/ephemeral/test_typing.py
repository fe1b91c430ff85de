import orjson
import pytest

from homeserver.ephemeral.sequence import FRESH, OTHER_BOOT, Ephemera, EphemeralChange
from homeserver.ephemeral.typing import Typing
from homeserver.streams import Change, Streams
from tests.support.clock import FakeClock

ALICE, BOB = "@alice:test", "@bob:test"
ROOM = "!room"


class World:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.streams = Streams()
        self.ephemera = Ephemera("boot")
        self.typing = Typing(self.ephemera, self.clock, self.streams)
        self.heard: list[EphemeralChange] = []
        self.ephemera.subscribe(self.heard.append)

    def now(self) -> list[str]:
        event = orjson.loads(self.typing.event(ROOM))
        assert event.keys() == {"type", "content"}
        assert tuple(event["content"]["user_ids"]) == self.typing.in_room(ROOM)
        return list(event["content"]["user_ids"])


@pytest.fixture
def world() -> World:
    return World()


def test_typing_lasts_for_its_time(world: World) -> None:
    world.typing.started(ROOM, ALICE, 10_000)
    world.clock.advance(9)
    assert world.now() == [ALICE]
    world.typing.started(ROOM, ALICE, 10_000)
    world.clock.advance(9)
    assert world.now() == [ALICE]
    world.clock.advance(1)
    assert world.now() == []
    assert world.clock.waiting() == 0


@pytest.mark.parametrize("asked, seconds", [(0, 1), (2**50, 120)])
def test_times_are_bounded(world: World, asked: int, seconds: int) -> None:
    world.typing.started(ROOM, ALICE, asked)
    world.clock.advance(seconds - 0.1)
    assert world.now() == [ALICE]
    world.clock.advance(0.1)
    assert world.now() == []


def test_each_change_is_counted_and_told(world: World) -> None:
    world.typing.started(ROOM, ALICE)
    world.typing.started(ROOM, BOB)
    world.typing.started(ROOM, BOB)
    world.typing.stopped(ROOM, ALICE)
    world.typing.stopped(ROOM, ALICE)
    assert [(change.counter, change.kind, change.user_id, change.subject) for change in world.heard] == [
        (1, "typing", ALICE, True),
        (2, "typing", BOB, True),
        (3, "typing", ALICE, False),
    ]
    assert world.now() == [BOB]


def test_a_reader_sees_each_room_that_changed(world: World) -> None:
    world.typing.started("!a", ALICE)
    start = world.ephemera.counter
    world.typing.started("!b", ALICE)
    assert list(world.typing.changed_since(start)) == ["!b"]
    assert (world.typing.changed("!a", start), world.typing.changed("!b", start)) == (False, True)
    world.typing.stopped("!a", ALICE)
    assert list(world.typing.changed_since(start)) == ["!a", "!b"]
    assert not list(world.typing.changed_since(world.ephemera.counter))


def test_a_fresh_reader_hears_only_of_people_who_type(world: World) -> None:
    world.typing.started("!a", ALICE)
    world.typing.started("!b", ALICE)
    world.typing.stopped("!a", ALICE)
    assert list(world.typing.changed_since(FRESH)) == ["!b"]
    assert [world.typing.changed(room_id, FRESH) for room_id in ("!a", "!b", "!c")] == [False, True, False]


def test_a_token_of_another_boot_makes_everything_new(world: World) -> None:
    world.typing.started("!a", ALICE)
    assert world.ephemera.since("boot", 1) == 1
    assert world.ephemera.since("before", 1) == OTHER_BOOT
    assert world.ephemera.since("boot", 2) == OTHER_BOOT
    assert world.typing.changed("!a", OTHER_BOOT)
    assert world.typing.changed("!never", OTHER_BOOT)
    assert not world.typing.remembers(OTHER_BOOT)


def test_other_servers_hear_that_it_goes_on(world: World) -> None:
    for _ in range(10):
        world.typing.started(ROOM, ALICE, 30_000)
        world.clock.advance(10)
    assert [change.kind for change in world.heard] == ["typing", "typing_still", "typing_still"]


def test_who_leaves_types_no_longer(world: World) -> None:
    world.typing.started(ROOM, ALICE)
    world.typing.started(ROOM, BOB)
    world.streams.publish([Change(1, "event", ROOM, ALICE), Change(2, "event", ROOM)], 2)
    assert world.now() == [BOB]


def test_quiet_rooms_are_forgotten_without_loss(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homeserver.ephemeral.typing.MAX_ROOMS", 2)
    world.typing.started("!a", ALICE)
    known = world.ephemera.counter
    world.typing.stopped("!a", ALICE)
    for room_id in ("!b", "!c"):
        world.typing.started(room_id, ALICE)
        world.typing.stopped(room_id, ALICE)
    assert not world.typing.remembers(known)
    assert world.typing.changed("!a", known)
    assert not world.typing.changed("!a", world.ephemera.counter)


def test_who_types_for_ever_keeps_no_other_room(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homeserver.ephemeral.typing.MAX_ROOMS", 3)
    world.typing.started(ROOM, BOB)
    for number in range(10):
        world.typing.started(ROOM, BOB)
        world.typing.started(f"!{number}", ALICE)
        world.typing.stopped(f"!{number}", ALICE)
    assert list(world.typing.changed_since(OTHER_BOOT)) == ["!9", "!8", ROOM]
    assert world.now() == [BOB]
    before = world.ephemera.counter
    world.typing.stopped(ROOM, BOB)
    assert world.typing.remembers(before)
    assert list(world.typing.changed_since(before)) == [ROOM]


def test_a_failing_reader_disturbs_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(change: EphemeralChange) -> None:
        raise ValueError(change)

    world.ephemera.subscribe(fail)
    heard: list[EphemeralChange] = []
    world.ephemera.subscribe(heard.append)
    world.typing.started(ROOM, ALICE)
    assert len(heard) == 1
