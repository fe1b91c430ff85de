from collections.abc import Callable

import orjson
import pytest

from homeserver.account_data.account_data import AccountData, ServerManaged
from homeserver.account_data.store import GLOBAL, Put
from homeserver.account_data.tags import Tags
from homeserver.errors import BadJson, InvalidParam, NotFound, TooLarge
from homeserver.streams import Change, Streams
from storage.database import Database
from storage.personal.account_data import StoredAccountData
from tests.ephemeral.rows import Rows
from tests.support.client import run
from tests.support.storage import open_memory_database

ALICE = "@alice:test"
ROOM = "!room"


def made(user_id: str, stored: bytes) -> bytes:
    return orjson.dumps({"of": user_id, **orjson.loads(stored or b"{}")})


class World:
    def __init__(self) -> None:
        self.streams = Streams()
        self.database: Database = run(open_memory_database(self.streams))
        self.store = StoredAccountData(self.database)
        self.data = AccountData(self.store, self.streams, {"m.push_rules": made})

    def put(self, room_id: str, type: str, content: dict[str, object]) -> None:
        run(self.data.put(ALICE, room_id, type, content))

    def fresh(self) -> AccountData:
        """As after a restart."""
        return AccountData(self.store, self.streams)


@pytest.fixture
def world() -> World:
    return World()


def test_what_was_put_is_found_in_memory_and_after_a_restart(world: World) -> None:
    run(world.data.of(ALICE))
    world.put(GLOBAL, "a", {"x": 1})
    world.put(ROOM, "a", {"x": 2})
    for data in (world.data, world.fresh()):
        assert run(data.content(ALICE, GLOBAL, "a")) == b'{"x":1}'
        assert run(data.content(ALICE, ROOM, "a")) == b'{"x":2}'
        with pytest.raises(NotFound):
            run(data.content(ALICE, "!other", "a"))


def test_what_the_server_makes_is_read_whether_something_is_stored_or_not(world: World) -> None:
    assert run(world.data.content(ALICE, GLOBAL, "m.push_rules")) == b'{"of":"@alice:test"}'
    assert run(world.data.of(ALICE)).global_events() == [b'{"type":"m.push_rules","content":{"of":"@alice:test"}}']
    run(world.store.put(Put(ALICE, GLOBAL, "m.push_rules", b'{"more":1}')))
    for data in (world.data, AccountData(world.store, world.streams, {"m.push_rules": made})):
        assert run(data.content(ALICE, GLOBAL, "m.push_rules")) == b'{"of":"@alice:test","more":1}'
        user = run(data.of(ALICE))
        assert user.global_events() == [b'{"type":"m.push_rules","content":{"of":"@alice:test","more":1}}']
        assert [entry.event for entry in user.since(0, user.position)] == user.global_events()
        assert user.last_change("m.push_rules") == user.position > 0 == user.last_change("other")


@pytest.mark.parametrize("type", ["m.fully_read", "m.push_rules"])
@pytest.mark.parametrize("room_id", [GLOBAL, ROOM])
def test_clients_cannot_write_what_the_server_keeps(world: World, type: str, room_id: str) -> None:
    with pytest.raises(ServerManaged) as refused:
        world.put(room_id, type, {})
    assert (refused.value.status, refused.value.errcode) == (405, "M_BAD_JSON")
    with pytest.raises(ServerManaged):
        run(world.data.delete(ALICE, room_id, type))


@pytest.mark.parametrize("type", ["", "x" * 256, "é" * 128, "a\0b"])
def test_bad_types_are_refused(world: World, type: str) -> None:
    with pytest.raises(InvalidParam):
        world.put(GLOBAL, type, {})


def test_too_much_is_refused(world: World) -> None:
    with pytest.raises(TooLarge):
        world.put(GLOBAL, "a", {"x": "y" * 1_048_576})


def test_since_tells_each_change_once_with_its_last_content(world: World) -> None:
    world.put(GLOBAL, "a", {"n": 1})
    start = world.streams.position
    world.put(GLOBAL, "b", {"n": 2})
    world.put(ROOM, "c", {"n": 3})
    middle = world.streams.position
    world.put(GLOBAL, "b", {"n": 4})
    for data in (world.data, world.fresh()):
        user = run(data.of(ALICE))
        changed = user.since(start, world.streams.position)
        assert [(entry.room_id, entry.type, entry.content) for entry in changed] == [(ROOM, "c", b'{"n":3}'), (GLOBAL, "b", b'{"n":4}')]
        assert [entry.type for entry in user.since(start, middle)] == ["c"]
        assert user.since(world.streams.position, world.streams.position) == []


def test_an_initial_answer_and_increments_meet(world: World) -> None:
    world.put(GLOBAL, "a", {"n": 1})
    user = run(world.data.of(ALICE))
    seen = {orjson.loads(event)["type"]: event for event in user.global_events()}
    start = world.streams.position
    world.put(GLOBAL, "a", {"n": 2})
    world.put(GLOBAL, "b", {"n": 3})
    for entry in user.since(start, world.streams.position):
        seen[entry.type] = entry.event
    fresh = run(world.fresh().of(ALICE))
    assert {event for type, event in seen.items() if type != "m.push_rules"} == set(fresh.global_events())


def test_a_deleted_type_is_told_once_and_then_forgotten(world: World) -> None:
    world.put(ROOM, "a", {"n": 1})
    start = world.streams.position
    run(world.data.delete(ALICE, ROOM, "a"))
    end = world.streams.position
    run(world.data.delete(ALICE, ROOM, "a"))
    assert world.streams.position == end
    for data in (world.data, world.fresh()):
        user = run(data.of(ALICE))
        assert [entry.event for entry in user.since(start, end)] == [b'{"type":"a","content":{}}']
        assert user.room_events(ROOM) == []
        with pytest.raises(NotFound):
            run(data.content(ALICE, ROOM, "a"))


def test_each_change_is_announced_for_its_user(world: World) -> None:
    heard: list[Change] = []
    world.streams.subscribe(heard.extend)
    world.put(ROOM, "a", {})
    world.put(GLOBAL, "a", {})
    assert [(change.kind, change.room_id, change.user_id) for change in heard] == [
        ("account_data", ROOM, ALICE),
        ("account_data", None, ALICE),
    ]


def test_a_change_from_elsewhere_is_read_anew(world: World) -> None:
    world.put(GLOBAL, "a", {"n": 1})
    before = run(world.data.of(ALICE))
    world.streams.publish([Change(world.streams.position + 1, "account_data", None, ALICE)], world.streams.position + 1)
    assert run(world.data.of(ALICE)) is not before
    again = run(world.data.of(ALICE))
    world.streams.skip_to(world.streams.position + 5)
    assert run(world.data.of(ALICE)) is not again


@pytest.mark.parametrize(
    "content, ignored",
    [
        ({"ignored_users": {"@bob:test": {}, ALICE: {}}}, {"@bob:test"}),
        ({"ignored_users": ["@bob:test"]}, set()),
        ({}, set()),
    ],
)
def test_ignored_users(world: World, content: dict[str, object], ignored: set[str]) -> None:
    assert run(world.data.ignored(ALICE)) == frozenset()
    world.put(GLOBAL, "m.ignored_user_list", content)
    assert run(world.data.ignored(ALICE)) == ignored


def test_the_fully_read_marker_moves_forward_only(world: World) -> None:
    rows = Rows(world.database)
    run(rows.room(ROOM))
    places = {event_id: run(rows.event(ROOM, event_id)) for event_id in ("$1", "$2")}
    for event_id, stands in (("$1", "$1"), ("$2", "$2"), ("$1", "$2"), ("$2", "$2")):
        run(world.data.mark_fully_read(ALICE, ROOM, event_id, places[event_id]))
        assert orjson.loads(run(world.data.content(ALICE, ROOM, "m.fully_read"))) == {"event_id": stands}


def test_tags_are_added_changed_and_removed(world: World) -> None:
    tags = Tags(world.data, world.store)
    run(tags.put(ALICE, ROOM, "u.work", {"order": 0.5}))
    run(tags.put(ALICE, ROOM, "m.favourite", {}))
    run(tags.put(ALICE, ROOM, "u.work", {"order": 1, "org.example": True}))
    assert run(tags.of(ALICE, ROOM)) == {"u.work": {"order": 1, "org.example": True}, "m.favourite": {}}
    assert orjson.loads(run(world.data.content(ALICE, ROOM, "m.tag"))) == {"tags": run(tags.of(ALICE, ROOM))}
    before = world.streams.position
    run(tags.put(ALICE, ROOM, "m.favourite", {}))
    run(tags.remove(ALICE, ROOM, "never.there"))
    assert world.streams.position == before
    run(tags.remove(ALICE, ROOM, "u.work"))
    assert run(tags.of(ALICE, ROOM)) == {"m.favourite": {}}


@pytest.mark.parametrize(
    "tag, content, error",
    [
        ("", {}, InvalidParam),
        ("é" * 128, {}, InvalidParam),
        ("t", {"order": "0.5"}, BadJson),
        ("t", {"order": True}, BadJson),
        ("t", {"order": None}, BadJson),
        ("t", {"order": 1.1}, InvalidParam),
        ("t", {"order": -1}, InvalidParam),
        ("t", {"x": "y" * 5_000}, TooLarge),
    ],
)
def test_bad_tags_are_refused(world: World, tag: str, content: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        run(Tags(world.data, world.store).put(ALICE, ROOM, tag, content))


def test_tags_survive_whatever_a_client_wrote_there(world: World) -> None:
    tags = Tags(world.data, world.store)
    world.put(ROOM, "m.tag", {"tags": ["x"]})
    assert run(tags.of(ALICE, ROOM)) == {}
    run(tags.put(ALICE, ROOM, "u.a", {}))
    assert run(tags.of(ALICE, ROOM)) == {"u.a": {}}


def test_a_room_has_a_bounded_number_of_tags(world: World) -> None:
    world.put(ROOM, "m.tag", {"tags": {str(number): {} for number in range(200)}})
    add: Callable[[str], None] = lambda tag: run(Tags(world.data, world.store).put(ALICE, ROOM, tag, {"order": 0}))  # noqa: E731
    with pytest.raises(TooLarge):
        add("one more")
    add("7")
