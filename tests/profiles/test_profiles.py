from typing import Any

import pytest
from twisted.internet.defer import Deferred

from homeserver.errors import Forbidden, InvalidParam, KeyTooLarge, NotFound, ProfileTooLarge, Unavailable
from homeserver.profiles.in_rooms import RoomProfiles
from homeserver.profiles.profiles import Profiles
from homeserver.profiles.remote import NoRemoteProfiles
from homeserver.profiles.spread import RETRY_S, ProfileSpread
from homeserver.profiles.store import ProfileChange
from homeserver.streams import Change, Streams
from storage.personal.profiles import StoredProfiles
from tests.ephemeral.rows import Rows
from tests.support.client import run
from tests.support.clock import FakeClock
from tests.support.storage import open_memory_database

ALICE = "@alice:test"


class Rooms:
    """Two rooms; what they were told, and what goes wrong."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.errors: dict[str, list[Exception]] = {}
        self.gate: Deferred[None] | None = None

    async def joined_rooms(self, user_id: str) -> list[str]:
        return ["!a", "!b"] if user_id == ALICE else []

    async def update_profile(self, room_id: str, user_id: str) -> None:
        if self.errors.get(room_id):
            raise self.errors[room_id].pop()
        if self.gate is not None:
            await self.gate
        self.told.append(room_id)


class World:
    def __init__(self) -> None:
        self.streams = Streams()
        database = run(open_memory_database(self.streams))
        self.store = StoredProfiles(database)
        self.rooms = Rooms()
        self.clock = FakeClock()
        self.spread = ProfileSpread(self.store, self.rooms, self.rooms, self.clock)
        self.profiles = Profiles(self.store, self.spread, NoRemoteProfiles(), "test")
        run(Rows(database).user(ALICE))

    def put(self, field: str, value: Any) -> None:
        run(self.profiles.put(ALICE, field, value))

    def profile(self) -> dict[str, Any]:
        return run(self.profiles.profile(ALICE))


@pytest.fixture
def world() -> World:
    return World()


def test_fields_are_set_changed_and_removed(world: World) -> None:
    world.put("displayname", "Alice")
    world.put("m.tz", "Europe/London")
    world.put("org.example.field", {"a": [1, None]})
    world.put("org.example.null", None)
    assert world.profile() == {
        "displayname": "Alice",
        "m.tz": "Europe/London",
        "org.example.field": {"a": [1, None]},
        "org.example.null": None,
    }
    assert run(world.profiles.profile(ALICE, "m.tz")) == {"m.tz": "Europe/London"}
    run(world.profiles.remove(ALICE, "org.example.field"))
    run(world.profiles.remove(ALICE, "org.example.never"))
    world.put("displayname", "")
    assert world.profile() == {"m.tz": "Europe/London", "org.example.null": None}
    for field in ("displayname", "org.example.field"):
        with pytest.raises(NotFound):
            run(world.profiles.profile(ALICE, field))


def test_who_is_not_here(world: World) -> None:
    for user_id in ("@none:test", "@bob:far"):
        with pytest.raises(NotFound):
            run(world.profiles.profile(user_id))


@pytest.mark.parametrize("key", ["a", "tz", "A.b", "a.B", "1.a", ".a", "a.", "a..b", "é.a", "a.b\0", "a b.c", "", "."])
def test_bad_keys(world: World, key: str) -> None:
    with pytest.raises(InvalidParam):
        world.put(key, 1)


def test_keys_have_at_most_255_bytes(world: World) -> None:
    world.put("a." + "b" * 253, 1)
    with pytest.raises(KeyTooLarge):
        world.put("a." + "b" * 254, 1)
    with pytest.raises(KeyTooLarge):
        run(world.profiles.remove(ALICE, "é" * 200))


@pytest.mark.parametrize(
    "key, value",
    [
        ("displayname", None),
        ("displayname", 5),
        ("displayname", "é" * 129),
        ("displayname", "a\0"),
        ("avatar_url", "m" * 1_001),
        ("m.tz", {}),
    ],
)
def test_bad_values(world: World, key: str, value: object) -> None:
    with pytest.raises(InvalidParam):
        world.put(key, value)


def test_a_profile_has_at_most_64_kib(world: World) -> None:
    world.put("org.example.a", "x" * 30_000)
    world.put("org.example.b", "y" * 30_000)
    room = 65_536 - len(b'{"org.example.a":"","org.example.b":"","org.example.c":""}') - 60_000
    with pytest.raises(ProfileTooLarge):
        world.put("org.example.c", "z" * (room + 1))
    world.put("org.example.c", "z" * room)
    with pytest.raises(ProfileTooLarge):
        world.put("org.example.b", "y" * 30_001)
    world.put("org.example.b", "y" * 29_000)


def test_changes_are_announced_once(world: World) -> None:
    heard: list[Change] = []
    world.streams.subscribe(heard.extend)
    world.put("displayname", "Alice")
    world.put("displayname", "Alice")
    run(world.profiles.remove(ALICE, "displayname"))
    assert [(change.kind, change.user_id, change.subject) for change in heard] == [
        ("profile", ALICE, ProfileChange("displayname", b'"Alice"')),
        ("profile", ALICE, ProfileChange("displayname", None)),
    ]


def test_rooms_are_told_of_names_and_pictures_alone(world: World) -> None:
    world.put("m.tz", "Europe/London")
    assert world.rooms.told == []
    world.put("displayname", "Alice")
    world.put("avatar_url", "mxc://test/a")
    assert world.rooms.told == ["!a", "!b"] * 2
    assert run(RoomProfiles(world.store).member_profile(ALICE)) == {"displayname": "Alice", "avatar_url": "mxc://test/a"}
    assert run(world.store.untold()) == []


def test_the_answer_does_not_wait_for_the_rooms(world: World) -> None:
    gate: Deferred[None] = Deferred()
    world.rooms.gate = gate
    world.put("displayname", "Alice")
    world.put("displayname", "Alicia")
    assert world.rooms.told == []
    world.rooms.gate = None
    gate.callback(None)
    assert world.rooms.told == ["!a", "!b", "!a", "!b"]
    assert run(world.store.untold()) == []


def test_what_was_not_told_is_told_after_a_restart(world: World) -> None:
    world.rooms.gate = Deferred()  # the server dies while it waits
    world.put("displayname", "Alice")
    world.put("m.tz", "Europe/London")
    assert [untold.user_id for untold in run(world.store.untold())] == [ALICE]
    rooms = Rooms()
    run(ProfileSpread(world.store, rooms, rooms, world.clock).start())
    assert rooms.told == ["!a", "!b"]
    assert run(world.store.untold()) == []
    world.rooms.gate.callback(None)


def test_a_room_that_refuses_does_not_stop_the_others(world: World) -> None:
    world.rooms.errors["!a"] = [Forbidden()]
    world.put("displayname", "Alice")
    assert world.rooms.told == ["!b"]
    assert run(world.store.untold()) == []


def test_when_the_database_is_away_it_is_tried_again(world: World) -> None:
    world.rooms.errors["!b"] = [Unavailable()]
    world.put("displayname", "Alice")
    assert len(run(world.store.untold())) == 1
    world.clock.advance(RETRY_S)
    assert world.rooms.told == ["!a", "!a", "!b"]
    assert run(world.store.untold()) == []


def test_stopping_ends_after_the_room_that_is_being_told(world: World) -> None:
    gate: Deferred[None] = Deferred()
    world.rooms.gate = gate
    world.put("displayname", "Alice")
    stopping = Deferred.fromCoroutine(world.spread.stop())
    gate.callback(None)
    assert stopping.called
    assert world.rooms.told == ["!a"]
    assert len(run(world.store.untold())) == 1
