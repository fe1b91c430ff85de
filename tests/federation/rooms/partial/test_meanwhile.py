"""What can be done in a room whose members are not known yet, and what has to wait (MSC3902)."""

from pathlib import Path
from typing import Any

import pytest

from federation.client import v1
from homeserver.errors import Unavailable
from tests.federation.rooms.partial.halved import ANN, LAZY, Halved
from tests.federation.support.asking import ask, put_member
from tests.federation.support.shared import enter, membership, messages, state
from tests.federation.support.sharing import say
from tests.federation.support.town import Town, town_of
from tests.support.client import start
from tests.support.rooms import member, path, refused


@pytest.fixture
def half(town: Town) -> Halved:
    return Halved(town)


def test_the_room_is_usable_at_once_and_whole_later(town: Town, half: Halved) -> None:
    assert half.is_partial()
    say(town, half.bob, half.room_id, "I am in", server="b.test")
    say(town, half.alice, half.room_id, "welcome")
    town.settle(0.3)
    assert messages(town, "a.test", half.alice, half.room_id) == messages(town, "b.test", half.bob, half.room_id) == ["I am in", "welcome"]
    room, token = half.sync(lazy=True)
    assert [event["content"].get("body") for event in room["timeline"]["events"]][-2:] == ["I am in", "welcome"]
    assert {event["state_key"] for event in room["state"]["events"] if event["type"] == "m.room.member"} >= {"@alice:a.test"}
    assert half.is_partial()
    half.let_in()
    assert not half.is_partial()
    assert state(town, "a.test", half.alice, half.room_id) == state(town, "b.test", half.bob, half.room_id)
    renewed, _ = half.sync(lazy=True, since=token)
    assert renewed["summary"]["m.joined_member_count"] == 5
    assert half.sync(lazy=True, since=half.sync(lazy=True)[1])[0] == {}


def test_who_wants_all_members_is_shown_the_room_when_it_has_them(town: Town, half: Halved) -> None:
    room, token = half.sync(lazy=False)
    assert room == {}
    say(town, half.alice, half.room_id, "still in part")
    town.settle(0.3)
    assert half.sync(lazy=False, since=token)[0] == {}
    waiting = start(half.bob.get(path("sync"), {"timeout": "30000", "since": half.sync(lazy=False)[1]}))
    town.settle(0.3)
    assert not waiting.called
    half.let_in()
    assert half.sync(lazy=False)[0]
    woken: list[Any] = []
    waiting.addBoth(woken.append)
    assert half.room_id in woken[0][1]["rooms"]["join"]
    for since in ("", token):
        room, _ = half.sync(lazy=False, since=since)
        events = [*room["state"]["events"], *room["timeline"]["events"]]
        assert {event["state_key"] for event in events if event["type"] == "m.room.member"} == {
            "@alice:a.test", "@bob:b.test", ANN, "@derek:a.test", "@elsie:a.test",
        }  # fmt: skip


def test_a_crowd_does_not_show_it_either(town: Town, half: Halved) -> None:
    _, lazy = half.sync(lazy=True)
    _, eager = half.sync(lazy=False)
    say(town, half.bob, half.room_id, "to all", server="b.test")
    assert half.sync(lazy=True, since=lazy)[0]["timeline"]["events"]
    assert half.sync(lazy=False, since=eager)[0] == {}


@pytest.mark.parametrize("what", [("members",), ("joined_members",), ("state",), ("state", "m.room.member", ANN)])
def test_questions_for_members_wait(town: Town, half: Halved, what: tuple[str, ...]) -> None:
    waiting = start(half.bob.get(path("rooms", half.room_id, *what)))
    town.settle(0.3)
    assert not waiting.called
    half.let_in()
    answers: list[Any] = []
    waiting.addBoth(answers.append)
    assert answers[0][0] == 200
    assert ANN in str(answers[0][1]) or answers[0][1] == {"membership": "join"}


def test_they_do_not_wait_for_ever(town: Town, half: Halved) -> None:
    refused(town.run(half.bob.get(path("rooms", half.room_id, "members"))), 503, "M_UNKNOWN")
    with pytest.raises(Unavailable):
        town.run(town["b.test"].parts.rooms.partial.whole(half.room_id))
    assert town["b.test"].ok(half.bob.get(path("rooms", half.room_id, "state", "m.room.create")))


def test_other_servers_are_told_what_is_known_alone(town: Town, half: Halved) -> None:
    event_id = say(town, half.bob, half.room_id, "hello", server="b.test")
    for question in ("make_join", "make_knock"):
        status, answer = ask(town, v1(question, half.room_id, "@carl:a.test"), {"ver": "11"}, by="a.test", of="b.test")
        assert (status, answer["errcode"]) == (404, "M_NOT_FOUND")
    for question in ("state", "state_ids"):
        assert ask(town, v1(question, half.room_id), {"event_id": event_id}, by="a.test", of="b.test")[0] == 403
    assert ask(town, v1("backfill", half.room_id), {"v": event_id, "limit": "5"}, by="a.test", of="b.test")[0] == 200
    half.let_in()
    assert ask(town, v1("state_ids", half.room_id), {"event_id": event_id}, by="a.test", of="b.test")[0] == 200


def test_typing_of_those_who_may_be_there_is_shown(town: Town, half: Halved) -> None:
    typing = town["b.test"].parts.personal.typing
    content = {"room_id": half.room_id, "user_id": ANN, "typing": True}
    body = {"origin": "a.test", "origin_server_ts": 1, "pdus": [], "edus": [{"edu_type": "m.typing", "content": content}]}
    assert ask(town, v1("send", "typing"), method="PUT", body=body, by="a.test", of="b.test")[0] == 200
    assert ANN in str(typing.event(half.room_id))


def test_presence_of_those_who_prove_to_be_there_is_shown(town: Town, half: Halved) -> None:
    def send(number: int, **presence: str) -> None:
        push = [{"user_id": user, "presence": state, "last_active_ago": 5_000} for user, state in presence.items()]
        body = {"origin": "a.test", "origin_server_ts": 1, "pdus": [], "edus": [{"edu_type": "m.presence", "content": {"push": push}}]}
        assert ask(town, v1("send", f"p{number}"), method="PUT", body=body, by="a.test", of="b.test")[0] == 200

    b_test = town["b.test"]
    known = b_test.parts.personal.presence.known_users
    send(1, **{ANN: "unavailable", "@nobody:a.test": "online"})
    send(2, **{ANN: "online"})
    assert b_test.parts.personal.presence.known_users == known
    refused(town.run(half.bob.get(path("presence", ANN, "status"))), 403, "M_FORBIDDEN")
    _, token = half.sync(lazy=True)
    half.let_in()
    seen = b_test.ok(half.bob.get(path("presence", ANN, "status")))
    assert seen["presence"] == "online"
    assert 5_000 <= seen["last_active_ago"] < 60_000
    told = b_test.ok(half.bob.get(path("sync"), {"since": token}))["presence"]["events"]
    assert ANN in [event["sender"] for event in told]
    assert b_test.parts.personal.presence.known_users == known + 2  # ann, and bob, who syncs


def test_who_comes_second_is_let_in_by_those_who_know_the_bans(town: Town, half: Halved) -> None:
    member(town["a.test"], half.alice, half.room_id, "ban", "@barry:b.test")
    barry, bill = town.user("b.test", "barry"), town.user("b.test", "bill")
    half.town.network.passed.clear()
    enter(town, "b.test", bill, half.room_id)
    assert any("send_join" in passed.uri for passed in town.network.passed)
    refused(town["b.test"].run(barry.post(path("join", half.room_id) + "?via=a.test")), 403, "M_FORBIDDEN")
    assert half.is_partial()
    half.let_in()
    assert membership(town, "b.test", half.bob, half.room_id, "@bill:b.test") == "join"
    assert state(town, "a.test", half.alice, half.room_id) == state(town, "b.test", half.bob, half.room_id)


def test_who_leaves_may_come_again(town: Town, half: Halved) -> None:
    say(town, half.alice, half.room_id, "one")
    town.settle(0.3)
    town["b.test"].ok(half.bob.post(path("rooms", half.room_id, "leave")))
    town.settle(1)
    assert membership(town, "a.test", half.alice, half.room_id, "@bob:b.test") == "leave"
    assert half.is_partial()
    asked = half.asked
    town.settle(30)
    assert half.asked <= asked + 1  # nobody here needs it
    enter(town, "b.test", half.bob, half.room_id)
    assert half.is_partial()
    say(town, half.bob, half.room_id, "two", server="b.test")
    half.let_in()
    assert not half.is_partial()
    assert state(town, "a.test", half.alice, half.room_id) == state(town, "b.test", half.bob, half.room_id)


def test_a_kick_waits_until_it_is_known_who_is_there(town: Town, half: Halved) -> None:
    town["a.test"].ok(
        half.alice.put(path("rooms", half.room_id, "state", "m.room.power_levels"), {"users": {"@alice:a.test": 100, "@bob:b.test": 50}})
    )
    town.settle(0.3)
    kicking = start(half.bob.post(path("rooms", half.room_id, "kick"), {"user_id": ANN}))
    town.settle(0.3)
    assert not kicking.called
    half.let_in()
    assert membership(town, "a.test", half.alice, half.room_id, ANN) == "leave"


def test_a_small_room_is_whole_before_anybody_looks(town: Town) -> None:
    alice, bob = town.user("a.test", "alice"), town.user("b.test", "bob")
    room = town["a.test"].ok(alice.post(path("createRoom"), {"preset": "public_chat"}))["room_id"]
    put_member(town, room, ANN)
    enter(town, "b.test", bob, room)
    assert not town["b.test"].parts.rooms.partial.is_partial(room)
    assert ANN in state_keys(town, bob, room)


def state_keys(town: Town, bob: Any, room: str) -> set[str]:
    answer = town["b.test"].ok(bob.get(path("sync"), {"timeout": "0"}))["rooms"]["join"][room]
    return {event["state_key"] for event in (*answer["state"]["events"], *answer["timeline"]["events"]) if "state_key" in event}


def sliding(half: Halved, required: list[list[str]], pos: str = "") -> tuple[dict[str, Any], str]:
    lists = {"all": {"ranges": [[0, 9]], "timeline_limit": 5, "required_state": required}}
    query = {"timeout": "0", **({"pos": pos} if pos else {})}
    url = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync"
    answer = half.town["b.test"].ok(half.bob.post(url, {"lists": lists}, query))
    return answer["rooms"].get(half.room_id, {}), answer["pos"]


def test_windows_on_rooms_show_it_as_the_client_wants_its_members(half: Halved) -> None:
    room, lazy = sliding(half, [["m.room.member", "$LAZY"], ["m.room.name", ""]])
    assert room["name"] == "Halved"
    room, eager = sliding(half, [["m.room.member", "*"]])
    assert room == {}
    half.let_in()
    room, _ = sliding(half, [["m.room.member", "*"]], eager)
    assert {event["state_key"] for event in room["required_state"]} >= {ANN, "@bob:b.test"}
    assert lazy


def test_servers_said_to_be_there_are_told(tmp_path: Path) -> None:
    with town_of(tmp_path, "a.test", "b.test", "c.test") as town:
        half = Halved(town)
        assert half.is_partial()
        assert set(town["b.test"].parts.rooms.partial.servers(half.room_id)) == {"a.test", "c.test"}
        say(town, half.bob, half.room_id, "to all", server="b.test")
        town.settle(0.5)
        told = [p for p in town.network.passed if (p.origin, p.destination) == ("b.test", "c.test") and "/send/" in p.uri]
        assert any(b"to all" in passed.body for passed in told)
        assert half.is_partial()


def test_devices_of_those_who_may_be_there_are_news(town: Town, half: Halved) -> None:
    _, token = half.sync(lazy=True)
    content = {"user_id": ANN, "device_id": "D", "stream_id": 5, "prev_id": []}
    body = {"origin": "a.test", "origin_server_ts": 1, "pdus": [], "edus": [{"edu_type": "m.device_list_update", "content": content}]}
    assert ask(town, v1("send", "devices"), method="PUT", body=body, by="a.test", of="b.test")[0] == 200
    half.let_in()
    answer = town["b.test"].ok(half.bob.get(path("sync"), {"timeout": "0", "since": token, "filter": LAZY}))
    assert ANN in answer["device_lists"]["changed"]
