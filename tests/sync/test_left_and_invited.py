"""Rooms one is not in: left, thrown out of, forgotten, invited to, knocked at. What is told of them, and above all what is not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.support.client import Client
from tests.support.places import on_file, restarted
from tests.support.rooms import create_room, join, member, path
from tests.support.server import TestServer, make_server

ALICE, BOB, CAROL = "@alice:test", "@bob:test", "@carol:test"
SECRET = "xyzzy"


class World:
    """Alice has a room; others come and go."""

    def __init__(self, server: TestServer) -> None:
        self.server = server
        self.alice, self.bob, self.carol = (server.user(name) for name in ("alice", "bob", "carol"))
        self.room = create_room(server, self.alice, preset="public_chat", name="A room")

    def ok(self, request: Any) -> Any:
        self.server.clock.advance(0.01)
        return self.server.ok(request)

    def sync(self, client: Client, since: str | None = None, wanted: dict[str, Any] | None = None, **query: Any) -> Any:
        given = None if wanted is None else orjson.dumps({"room": wanted}).decode()
        return self.ok(client.get(path("sync"), {"since": since, "filter": given, **query}))

    def say(self, client: Client, text: str) -> None:
        self.ok(client.put(path("rooms", self.room, "send", "m.room.message", text), {"msgtype": "m.text", "body": text}))

    def state(self, type: str, content: dict[str, Any], key: str = "") -> None:
        self.ok(self.alice.put(path("rooms", self.room, "state", type, key), content))

    def secrets(self, visibility: str = "joined") -> None:
        """Things said and set that those outside must not hear of."""
        self.state("m.room.history_visibility", {"history_visibility": visibility})
        self.say(self.alice, f"message {SECRET}")
        self.state("org.example.secret", {"text": SECRET})
        self.state("m.room.topic", {"topic": f"topic {SECRET}"})

    def leave(self, client: Client) -> None:
        self.ok(client.post(path("rooms", self.room, "leave")))

    def act(self, action: str, user_id: str) -> None:
        assert member(self.server, self.alice, self.room, action, user_id)[0] == 200


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(make_server(tmp_path))


def section(answer: Any, name: str, world: World) -> Any:
    return answer.get("rooms", {}).get(name, {}).get(world.room)


def memberships(timeline: Any, user_id: str) -> list[str]:
    return [event["content"]["membership"] for event in timeline["events"] if event.get("state_key") == user_id]


WAYS_OUT: dict[str, Callable[[World], None]] = {
    "leave": lambda w: w.leave(w.bob),
    "kick": lambda w: w.act("kick", BOB),
    "ban": lambda w: w.act("ban", BOB),
}


@pytest.mark.parametrize("way", WAYS_OUT)
@pytest.mark.parametrize("state_after", [False, True])
def test_who_leaves_hears_of_it_once_and_of_nothing_after(world: World, way: str, state_after: bool) -> None:
    join(world.server, world.bob, world.room)
    token = world.sync(world.bob)["next_batch"]
    world.say(world.alice, "still here")
    WAYS_OUT[way](world)
    world.secrets()
    answer = world.sync(world.bob, token, use_state_after=state_after)
    left = section(answer, "leave", world)
    assert section(answer, "join", world) is None
    assert [event["type"] for event in left["timeline"]["events"]] == ["m.room.message", "m.room.member"]
    assert left["timeline"]["events"][-1]["content"]["membership"] == ("ban" if way == "ban" else "leave")
    assert ("state_after" in left) is state_after
    assert SECRET not in str(answer)
    assert "rooms" not in world.sync(world.bob, answer["next_batch"])
    first = world.sync(world.bob)
    assert set(first.get("rooms", {})) == ({"leave"} if way == "ban" else set())
    assert SECRET not in str(first)
    full = world.sync(world.bob, wanted={"include_leave": True})
    assert section(full, "leave", world)["timeline"]["events"][-1]["state_key"] == BOB
    assert SECRET not in str(full)


@pytest.mark.parametrize("way", WAYS_OUT)
def test_who_came_and_went_between_two_syncs(world: World, way: str) -> None:
    token = world.sync(world.bob)["next_batch"]
    join(world.server, world.bob, world.room)
    world.say(world.alice, "welcome")
    WAYS_OUT[way](world)
    world.secrets()
    answer = world.sync(world.bob, token)
    left = section(answer, "leave", world)
    assert memberships(left["timeline"], BOB) == ["join", "ban" if way == "ban" else "leave"]
    state = {event["type"] for event in left["state"]["events"]} | {event["type"] for event in left["timeline"]["events"]}
    assert {"m.room.create", "m.room.name"} <= state
    assert SECRET not in str(answer)


def test_however_often_his_membership_changes_since(world: World) -> None:
    join(world.server, world.bob, world.room)
    world.leave(world.bob)
    world.secrets()
    for _ in range(60):
        world.act("ban", BOB)
        world.act("unban", BOB)
    assert SECRET not in str(world.sync(world.bob, wanted={"include_leave": True}))
    assert SECRET not in str(world.server.ok(world.bob.get(path("rooms", world.room, "state"))))


ENDS_OF_INVITES: dict[str, Callable[[World], None]] = {
    "declined": lambda w: w.leave(w.bob),
    "withdrawn": lambda w: w.act("kick", BOB),
    "banned": lambda w: w.act("ban", BOB),
}


@pytest.mark.parametrize("end", ENDS_OF_INVITES)
@pytest.mark.parametrize("visibility", ["joined", "shared", "invited"])
@pytest.mark.parametrize("was_told", [False, True])
def test_the_end_of_an_invite_tells_nothing_of_the_room(world: World, end: str, visibility: str, was_told: bool) -> None:
    token = world.sync(world.bob)["next_batch"]
    world.secrets(visibility)
    world.act("invite", BOB)
    if was_told:
        answer = world.sync(world.bob, token)
        assert section(answer, "invite", world) is not None
        token = answer["next_batch"]
    world.state("org.example.secret", {"text": SECRET + SECRET})
    ENDS_OF_INVITES[end](world)
    for answer in (
        world.sync(world.bob, token),
        world.sync(world.bob, token, full_state=True),
        world.sync(world.bob, token, use_state_after=True),
        world.sync(world.bob, token, {"state": {"lazy_load_members": True}}),
        world.sync(world.bob, None, {"include_leave": True}),
    ):
        left = section(answer, "leave", world)
        assert left["timeline"]["events"][-1]["state_key"] == BOB
        assert left.get("state", {"events": []})["events"] == []
        if "state_after" in left:
            assert [event["event_id"] for event in left["state_after"]["events"]] == [left["timeline"]["events"][-1]["event_id"]]
        others = [event for event in left["timeline"]["events"] if event["type"] != "m.room.member"]
        assert visibility == "invited" or others == []
        told = str(answer).replace(f"topic {SECRET}", "") if visibility == "invited" else str(answer)
        assert visibility == "invited" or SECRET not in told


def test_who_was_in_the_room_long_ago_and_declines(world: World) -> None:
    """An old membership opens nothing of what came since."""
    join(world.server, world.bob, world.room)
    world.leave(world.bob)
    token = world.sync(world.bob)["next_batch"]
    world.secrets()
    world.act("invite", BOB)
    world.leave(world.bob)
    answer = world.sync(world.bob, token)
    assert section(answer, "leave", world)["state"]["events"] == []
    assert SECRET not in str(answer)
    assert SECRET not in str(world.sync(world.bob, None, {"include_leave": True}))


SINCE = [("ban",), ("ban", "unban"), ("invite", "kick"), ("invite", "leave")]


def contents(room: Any, name: str, wanted: str) -> list[Any]:
    """Of the events of that type in that part."""
    return [event["content"] for event in room.get(name, {}).get("events", ()) if event["type"] == wanted]


@pytest.mark.parametrize("since", SINCE)
@pytest.mark.parametrize("visibility", ["shared", "joined", "world_readable"])
def test_what_comes_over_one_who_left(world: World, since: tuple[str, ...], visibility: str) -> None:
    """The room is told of as it was when he left, then what came over him."""
    world.state("m.room.history_visibility", {"history_visibility": visibility})
    join(world.server, world.bob, world.room)
    token = world.sync(world.bob)["next_batch"]
    world.state("m.room.topic", {"topic": "while he was there"})
    for number in range(4):
        world.say(world.alice, f"talk {number}")
    world.leave(world.bob)
    later = world.sync(world.bob)["next_batch"]
    world.secrets(visibility)
    join(world.server, world.carol, world.room)
    for action in since:
        if action == "leave":
            world.leave(world.bob)
        else:
            world.act(action, BOB)
    end = "ban" if since == ("ban",) else "leave"
    for start, limit in [(None, 20), (None, 2), (None, 1), (token, 20), (token, 2), (token, 1)]:
        wanted = {"include_leave": True, "timeline": {"limit": limit}}
        for lazy, state_after in [(False, False), (False, True), (True, False), (True, True)]:
            lazily = {"state": {"lazy_load_members": True}} if lazy else {}
            answer = world.sync(world.bob, start, {**wanted, **lazily}, use_state_after=state_after)
            left = section(answer, "leave", world)
            assert SECRET not in str(answer)
            assert CAROL not in str(answer)
            assert memberships(left["timeline"], BOB)[-2:] == ["leave", end][-limit:]
            state = "state_after" if state_after else "state"
            told = contents(left, state, "m.room.topic") + ([] if state_after else contents(left, "timeline", "m.room.topic"))
            assert told == [{"topic": "while he was there"}]
            if state_after:
                assert memberships(left["state_after"], BOB) == [end]
            if start is None and limit < 3:
                assert contents(left, state, "m.room.name") == [{"name": "A room"}]
    answer = world.sync(world.bob, later, {"timeline": {"types": ["m.room.member"]}})
    assert memberships(section(answer, "leave", world)["timeline"], BOB)[-1] == end
    assert visibility == "world_readable" or SECRET not in str(answer)


def test_a_room_that_was_forgotten_is_told_of_to_other_devices_alone(world: World) -> None:
    join(world.server, world.bob, world.room)
    token = world.sync(world.bob)["next_batch"]
    world.leave(world.bob)
    world.ok(world.bob.post(path("rooms", world.room, "forget")))
    world.act("ban", BOB)
    left = section(world.sync(world.bob, token), "leave", world)
    assert memberships(left["timeline"], BOB) == ["leave", "ban"]
    assert "rooms" not in world.sync(world.bob, None, {"include_leave": True})


def test_banned_after_leaving(world: World) -> None:
    join(world.server, world.bob, world.room)
    token = world.sync(world.bob)["next_batch"]
    world.say(world.alice, "hello")
    world.leave(world.bob)
    world.secrets()
    world.act("ban", BOB)
    for state_after in (False, True):
        answer = world.sync(world.bob, token, use_state_after=state_after)
        left = section(answer, "leave", world)
        assert memberships(left["timeline"], BOB) == ["leave", "ban"]
        assert SECRET not in str(answer)


def test_coming_back(world: World) -> None:
    join(world.server, world.bob, world.room)
    token = world.sync(world.bob)["next_batch"]
    world.leave(world.bob)
    world.state("m.room.topic", {"topic": "meanwhile"})
    join(world.server, world.bob, world.room)
    answer = world.sync(world.bob, token)
    room = section(answer, "join", world)
    assert section(answer, "leave", world) is None
    assert room["timeline"]["limited"]
    told = [*room["state"]["events"], *room["timeline"]["events"]]
    assert [event["content"] for event in told if event["type"] == "m.room.topic"][-1] == {"topic": "meanwhile"}


def test_a_leave_before_a_restart_is_told_after_it(tmp_path: Path) -> None:
    world = World(on_file(tmp_path))
    join(world.server, world.bob, world.room)
    token = world.sync(world.bob)["next_batch"]
    world.leave(world.bob)
    server = restarted(world.server, tmp_path, seed=1)
    world.server, world.bob = server, server.client.with_token(world.bob.token)
    answer = world.sync(world.bob, token)
    assert section(answer, "leave", world)["timeline"]["events"][-1]["state_key"] == BOB
    assert "rooms" not in world.sync(world.bob, answer["next_batch"])


def test_many_rooms_left(tmp_path: Path) -> None:
    server = make_server(tmp_path)
    alice = server.user("alice")
    rooms = [create_room(server, alice) for _ in range(30)]
    token = server.ok(alice.get(path("sync")))["next_batch"]
    for room in rooms:
        server.ok(alice.post(path("rooms", room, "leave")))
    answer = server.ok(alice.get(path("sync"), {"since": token}))
    assert set(answer["rooms"]["leave"]) == set(rooms)
    some = orjson.dumps({"room": {"rooms": rooms[:2]}}).decode()
    assert set(server.ok(alice.get(path("sync"), {"since": token, "filter": some}))["rooms"]["leave"]) == set(rooms[:2])


# ------------------------------------------------------------------ invites and knocks


def stripped(answer: Any, world: World, kind: str = "invite") -> dict[str, Any]:
    return {event["type"]: event for event in section(answer, kind, world)[f"{kind}_state"]["events"] if event.get("state_key") == ""}


def test_an_invite(world: World) -> None:
    world.state("m.room.topic", {"topic": "about"})
    world.state("org.example.secret", {"text": SECRET})
    token = world.sync(world.carol)["next_batch"]
    world.act("invite", CAROL)
    for answer in (world.sync(world.carol, token), world.sync(world.carol)):
        events = section(answer, "invite", world)["invite_state"]["events"]
        assert stripped(answer, world).keys() == {"m.room.create", "m.room.name", "m.room.topic", "m.room.join_rules"}
        members = [(event["state_key"], event["content"]["membership"]) for event in events if event["type"] == "m.room.member"]
        assert members == [(ALICE, "join"), (CAROL, "invite")]
        for event in events:
            assert {"type", "state_key", "sender", "content"} <= event.keys()
        assert SECRET not in str(answer)
    assert "rooms" not in world.sync(world.carol, world.sync(world.carol)["next_batch"])


def test_the_state_of_an_invite_is_that_of_its_moment(world: World) -> None:
    world.act("invite", CAROL)
    world.state("m.room.name", {"name": SECRET})
    assert stripped(world.sync(world.carol), world)["m.room.name"]["content"] == {"name": "A room"}


def test_invites_of_those_who_are_ignored(world: World) -> None:
    token = world.sync(world.carol)["next_batch"]
    world.ok(world.carol.put(path("user", CAROL, "account_data", "m.ignored_user_list"), {"ignored_users": {ALICE: {}}}))
    world.act("invite", CAROL)
    for answer in (world.sync(world.carol, token), world.sync(world.carol)):
        assert "rooms" not in answer


@pytest.mark.parametrize("type_", ["m.invite_permission_config", "org.matrix.msc4380.invite_permission_config"])
def test_who_takes_no_invites_sees_none(world: World, type_: str) -> None:
    token = world.sync(world.carol)["next_batch"]
    world.act("invite", CAROL)
    world.ok(world.carol.put(path("user", CAROL, "account_data", type_), {"default_action": "block"}))
    for answer in (world.sync(world.carol, token), world.sync(world.carol)):
        assert "rooms" not in answer
    world.ok(world.carol.put(path("user", CAROL, "account_data", type_), {}))
    assert section(world.sync(world.carol), "invite", world) is not None


def test_an_invite_that_is_accepted(world: World) -> None:
    world.act("invite", CAROL)
    token = world.sync(world.carol)["next_batch"]
    join(world.server, world.carol, world.room)
    answer = world.sync(world.carol, token)
    assert section(answer, "invite", world) is None
    assert memberships(section(answer, "join", world)["timeline"], CAROL) == ["invite", "join"]


def test_a_knock(world: World) -> None:
    world.state("m.room.join_rules", {"join_rule": "knock"})
    world.state("org.example.secret", {"text": SECRET})
    token = world.sync(world.carol)["next_batch"]
    world.ok(world.carol.post(path("knock", world.room), {"reason": "please"}))
    for answer in (world.sync(world.carol, token), world.sync(world.carol)):
        events = section(answer, "knock", world)["knock_state"]["events"]
        assert stripped(answer, world, "knock")["m.room.join_rules"]["content"] == {"join_rule": "knock"}
        assert events[-1]["content"]["reason"] == "please"
        assert SECRET not in str(answer)
    token = answer["next_batch"]
    world.act("kick", CAROL)
    answer = world.sync(world.carol, token)
    assert memberships(section(answer, "leave", world)["timeline"], CAROL)[-1] == "leave"
    assert SECRET not in str(answer)
