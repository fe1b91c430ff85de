"""What a filter lets through, and lazy loading of members (client-server API, "Filtering", "Lazy-loading room members")."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.support.client import Client
from tests.support.rooms import create_room, join, path, refused
from tests.support.server import make_server

ALICE, BOB, CAROL = "@alice:test", "@bob:test", "@carol:test"


class World:
    """Alice, Bob and Carol in a room of Alice's; she has another one."""

    def __init__(self, directory: Path) -> None:
        self.server = make_server(directory)
        self.alice, self.bob, self.carol = (self.server.user(name) for name in ("alice", "bob", "carol"))
        self.room = create_room(self.server, self.alice, preset="public_chat")
        self.other = create_room(self.server, self.alice)
        for client in (self.bob, self.carol):
            join(self.server, client, self.room)
        self.count = 0
        self.crowd: list[Client] = []

    def ok(self, request: Any) -> Any:
        self.server.clock.advance(0.01)
        return self.server.ok(request)

    def say(self, client: Client, type: str = "m.room.message", more: dict[str, Any] | None = None) -> str:
        self.count += 1
        where = path("rooms", self.room, "send", type, str(self.count))
        return str(self.ok(client.put(where, {"msgtype": "m.text", "body": str(self.count), **(more or {})}))["event_id"])

    def sync(self, client: Client, since: str | None, wanted: dict[str, Any], **query: Any) -> Any:
        return self.ok(client.get(path("sync"), {"since": since, "filter": orjson.dumps(wanted).decode(), **query}))

    def part(self, client: Client, since: str | None = None, *, top: dict[str, Any] | None = None, **room: Any) -> Any:
        return self.sync(client, since, {**(top or {}), "room": room})["rooms"]["join"][self.room]

    def types(self, client: Client, **timeline: Any) -> list[str]:
        part = self.part(client, timeline={"limit": 100, **timeline})
        return [event["type"] for event in part["timeline"]["events"]]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def contents(events: list[Any]) -> list[Any]:
    return [event["content"] for event in events]


def test_types_and_senders(world: World) -> None:
    world.say(world.alice)
    world.say(world.bob, "org.example.thing")
    assert world.types(world.alice, types=["m.room.message"]) == ["m.room.message"]
    assert world.types(world.alice, types=["org.example.*"]) == ["org.example.thing"]
    assert world.types(world.alice, types=["m.room.*", "org.*"], not_types=["m.room.*"]) == ["org.example.thing"]
    assert world.types(world.alice, senders=[BOB]) == ["m.room.member", "org.example.thing"]
    assert "org.example.thing" not in world.types(world.alice, not_senders=[BOB])
    assert world.types(world.alice, types=[]) == []
    assert world.types(world.alice, senders=[]) == []


def test_rooms(world: World) -> None:
    def joined(**room: Any) -> set[str]:
        return set(world.sync(world.alice, None, {"room": room}).get("rooms", {}).get("join", ()))

    assert joined() == {world.room, world.other}
    assert joined(rooms=[world.room]) == {world.room}
    assert joined(not_rooms=[world.room]) == {world.other}
    assert joined(rooms=[world.room], not_rooms=[world.room]) == set()
    assert joined(rooms=[]) == set()
    assert world.types(world.alice, not_rooms=[world.room]) == []


def test_the_rooms_of_one_section(world: World) -> None:
    """`rooms` inside a section hides that section alone."""
    world.ok(world.alice.put(path("user", ALICE, "rooms", world.room, "account_data", "org.example"), {"x": 1}))
    world.ok(world.bob.post(path("rooms", world.room, "receipt", "m.read", world.say(world.alice))))
    nowhere = {"rooms": ["!nowhere:test"]}
    part = world.part(world.alice, timeline=nowhere, state=nowhere, ephemeral=nowhere, account_data=nowhere)
    for section in ("timeline", "state", "ephemeral", "account_data"):
        assert part[section]["events"] == []
    part = world.part(world.alice)
    for section in ("timeline", "state", "ephemeral", "account_data"):
        assert part[section]["events"] != [] or section == "state"


def test_contains_url(world: World) -> None:
    world.say(world.alice, more={"url": "mxc://test/picture"})
    world.say(world.alice, more={"url": 1})
    assert len(world.types(world.bob, contains_url=True)) == 1
    assert len(world.types(world.bob, contains_url=False, types=["m.room.message"])) == 1


def test_relations(world: World) -> None:
    root = world.say(world.alice)
    world.say(world.bob, more={"m.relates_to": {"rel_type": "m.thread", "event_id": root}})
    relating = {"types": ["m.room.message"]}
    assert len(world.types(world.alice, **relating)) == 2


def test_event_fields(world: World) -> None:
    world.say(world.alice, more={"m.nested": {"a": 1, "b": 2}})
    top = {"event_fields": ["content.body", "type", r"content.m\.nested.a"]}
    part = world.part(world.bob, top=top, timeline={"limit": 1}, state={"types": ["m.room.create"]})
    assert part["timeline"]["events"] == [{"type": "m.room.message", "content": {"body": "1", "m.nested": {"a": 1}}}]
    assert part["state"]["events"] == [{"type": "m.room.create"}]


def test_event_format_federation(world: World) -> None:
    world.say(world.alice)
    part = world.part(world.bob, top={"event_format": "federation"}, timeline={"limit": 1})
    for event in (*part["timeline"]["events"], *part["state"]["events"]):
        assert {"auth_events", "prev_events", "hashes", "signatures", "depth"} <= event.keys()


def test_other_sections(world: World) -> None:
    world.ok(world.alice.put(path("user", ALICE, "account_data", "org.example"), {"x": 1}))
    world.ok(world.alice.put(path("user", ALICE, "rooms", world.room, "account_data", "org.example"), {"x": 1}))
    world.ok(world.bob.put(path("rooms", world.room, "typing", BOB), {"typing": True, "timeout": 30_000}))
    world.ok(world.bob.post(path("rooms", world.room, "receipt", "m.read", world.say(world.alice))))
    answer = world.sync(world.alice, None, {"account_data": {"types": ["org.*"]}, "presence": {"types": []}, "room": {}})
    assert [event["type"] for event in answer["account_data"]["events"]] == ["org.example"]
    assert "presence" not in answer
    none = world.sync(world.alice, None, {"account_data": {"not_types": ["*"]}, "room": {}})
    assert "account_data" not in none

    def ephemeral(**wanted: Any) -> list[str]:
        return sorted(event["type"] for event in world.part(world.alice, ephemeral=wanted)["ephemeral"]["events"])

    assert ephemeral() == ["m.receipt", "m.typing"]
    assert ephemeral(types=["m.typing"]) == ["m.typing"]
    assert ephemeral(not_types=["m.typing"]) == ["m.receipt"]
    assert world.part(world.alice, account_data={"types": []})["account_data"]["events"] == []


def test_state_of_the_timeline_that_its_filter_hides(world: World) -> None:
    """It is told as state: the client would never hear of it otherwise."""
    since = world.sync(world.bob, None, {})["next_batch"]
    world.say(world.alice)
    world.ok(world.alice.put(path("rooms", world.room, "state", "m.room.topic", ""), {"topic": "hidden"}))
    world.say(world.alice)
    part = world.part(world.bob, since, timeline={"types": ["m.room.message"]})
    assert [event["content"] for event in part["state"]["events"]] == [{"topic": "hidden"}]
    assert len(part["timeline"]["events"]) == 2


def test_state_by_type(world: World) -> None:
    part = world.part(world.bob, timeline={"limit": 1}, state={"types": ["m.room.create", "m.room.member"], "not_senders": [ALICE]})
    assert {event["type"] for event in part["state"]["events"]} == {"m.room.member"}
    assert len(world.part(world.bob, timeline={"limit": 1}, state={"limit": 2})["state"]["events"]) == 2


@pytest.mark.parametrize("wanted", ["{", '{"room":1}', '{"room":{"timeline":{"limit":-1}}}', '{"event_fields":"x"}', "999", "nothing"])
def test_what_is_no_filter(world: World, wanted: str) -> None:
    status, answer = world.server.run(world.bob.get(path("sync"), {"filter": wanted}))
    assert status in (400, 404), answer


def test_a_stored_filter(world: World) -> None:
    body = {"room": {"timeline": {"limit": 1}}}
    filter_id = world.ok(world.bob.post(path("user", BOB, "filter"), body))["filter_id"]
    answer = world.ok(world.bob.get(path("sync"), {"filter": filter_id}))
    assert len(answer["rooms"]["join"][world.room]["timeline"]["events"]) == 1
    refused(world.server.run(world.alice.get(path("sync"), {"filter": "12345"})), 404, "M_NOT_FOUND")


# ------------------------------------------------------------------ lazy members

LAZY = {"lazy_load_members": True}


def members(part: Any, section: str = "state") -> set[str]:
    return {event["state_key"] for event in part[section]["events"] if event["type"] == "m.room.member"}


@pytest.fixture
def crowd(tmp_path: Path) -> World:
    """A room with so many members that the heroes are few of them. The last ones are nobody's heroes."""
    world = World(tmp_path)
    world.crowd = [world.server.user(f"user{number}") for number in range(9)]
    for client in world.crowd:
        join(world.server, client, world.room)
    return world


def test_who_is_needed_at_first(crowd: World) -> None:
    speaker, reader = crowd.crowd[7], crowd.crowd[8]
    crowd.say(speaker)
    part = crowd.part(reader, timeline={"limit": 1}, state=LAZY)
    assert members(part) == {ALICE, BOB, CAROL, "@user0:test", "@user1:test", "@user7:test", "@user8:test"}
    assert part["summary"]["m.heroes"] == [ALICE, BOB, CAROL, "@user0:test", "@user1:test"]
    assert ("m.room.create", "") in {(event["type"], event["state_key"]) for event in part["state"]["events"]}


@pytest.mark.parametrize("redundant", [False, True])
def test_members_are_told_once(crowd: World, redundant: bool) -> None:
    speaker, reader = crowd.crowd[7], crowd.crowd[8]
    state = {**LAZY, "include_redundant_members": redundant}
    since = crowd.sync(reader, None, {"room": {"timeline": {"limit": 1}, "state": state}})["next_batch"]
    told = []
    for _ in range(3):
        crowd.say(speaker)
        answer = crowd.sync(reader, since, {"room": {"state": state}})
        since = answer["next_batch"]
        told.append(members(answer["rooms"]["join"][crowd.room]))
    assert told == [{"@user7:test"}, *([{"@user7:test"}] * 2 if redundant else [set(), set()])]


def test_an_answer_that_was_lost_is_given_again(crowd: World) -> None:
    speaker, reader = crowd.crowd[7], crowd.crowd[8]
    since = crowd.sync(reader, None, {"room": {"state": LAZY, "timeline": {"limit": 1}}})["next_batch"]
    crowd.say(speaker)
    for _ in range(2):
        assert members(crowd.part(reader, since, state=LAZY)) == {"@user7:test"}


def test_what_changed_in_a_gap_is_told_of_everyone(crowd: World) -> None:
    """Spec: membership events in the gap are returned whether or not they are redundant."""
    reader = crowd.crowd[8]
    since = crowd.sync(reader, None, {"room": {"state": LAZY, "timeline": {"limit": 1}}})["next_batch"]
    crowd.ok(crowd.crowd[5].post(path("rooms", crowd.room, "leave")))
    crowd.ok(crowd.crowd[6].put(path("profile", "@user6:test", "displayname"), {"displayname": "Six"}))
    for _ in range(4):
        crowd.say(crowd.alice)
    part = crowd.part(reader, since, state=LAZY, timeline={"limit": 2})
    assert part["timeline"]["limited"]
    assert members(part) >= {"@user5:test", "@user6:test"}


def test_a_changed_name_is_told_with_the_next_message(crowd: World) -> None:
    speaker, reader = crowd.crowd[7], crowd.crowd[8]
    crowd.say(speaker)
    since = crowd.sync(reader, None, {"room": {"state": LAZY, "timeline": {"limit": 1}}})["next_batch"]
    crowd.ok(speaker.put(path("profile", "@user7:test", "displayname"), {"displayname": "Seven"}))
    crowd.say(speaker)
    part = crowd.part(reader, since, state=LAZY)
    shown = [event for event in part["timeline"]["events"] if event["type"] == "m.room.member"]
    assert contents(shown) == [{"membership": "join", "displayname": "Seven"}]


def test_the_own_membership_when_coming_in(crowd: World) -> None:
    dave = crowd.server.user("dave")
    since = crowd.sync(dave, None, {})["next_batch"]
    join(crowd.server, dave, crowd.room)
    for _ in range(3):
        crowd.say(crowd.alice)
    part = crowd.part(dave, since, state=LAZY, timeline={"limit": 1})
    assert "@dave:test" in members(part)


def test_two_devices_are_told_apart(crowd: World) -> None:
    login = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "bob"}, "password": "secret secret"}
    second = crowd.server.client.with_token(crowd.ok(crowd.server.client.post(path("login"), login))["access_token"])
    since = {
        client: crowd.sync(client, None, {"room": {"state": LAZY, "timeline": {"limit": 1}}})["next_batch"]
        for client in (crowd.bob, second)
    }
    crowd.say(crowd.crowd[7])
    for client in (crowd.bob, second):
        assert members(crowd.part(client, since[client], state=LAZY)) == {"@user7:test"}


def test_state_after_counts_alone_where_it_is_asked_for(crowd: World) -> None:
    """A member event that the timeline shows is not known to a client which takes no state from there."""
    reader = crowd.crowd[8]
    dave = crowd.server.user("dave")
    wanted = {"room": {"state": LAZY, "timeline": {"limit": 5}}}
    since = crowd.sync(reader, None, wanted, use_state_after=True)["next_batch"]
    join(crowd.server, dave, crowd.room)
    crowd.say(dave)
    part = crowd.sync(reader, since, wanted, use_state_after=True)["rooms"]["join"][crowd.room]
    assert members(part, "state_after") == {"@dave:test"}
