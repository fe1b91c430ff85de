"""Looking into rooms, and what came before /sync."""

from typing import Any

import pytest

from tests.client_api.rooms.talk import Talk, bodies
from tests.support.client import start
from tests.support.rooms import create_room, member, path


def test_a_room_at_once(talk: Talk) -> None:
    for number in range(5):
        talk.say(f"m{number}")
    talk.server.ok(talk.alice.put(path("user", "@alice:test", "rooms", talk.room, "account_data", "org.example"), {"x": 1}))
    snapshot = talk.get(talk.path("initialSync"), limit=3)
    assert (snapshot["room_id"], snapshot["membership"], snapshot["visibility"]) == (talk.room, "join", "private")
    assert bodies(snapshot["messages"]["chunk"]) == ["m2", "m3", "m4"]
    assert snapshot["account_data"] == [{"type": "org.example", "content": {"x": 1}}]
    assert {event["type"] for event in snapshot["state"]} >= {"m.room.create", "m.room.member"}
    assert bodies(talk.messages(dir="b", from_=snapshot["messages"]["start"], limit=2)["chunk"]) == ["m1", "m0"]
    assert talk.messages(dir="f", from_=snapshot["messages"]["end"])["chunk"] == []


def test_everything_at_once(talk: Talk) -> None:
    talk.say("hello")
    invited = create_room(talk.server, talk.bob)
    assert member(talk.server, talk.bob, invited, "invite", "@alice:test")[0] == 200
    left = create_room(talk.server, talk.alice)
    talk.server.ok(talk.alice.post(path("rooms", left, "leave")))
    answer = talk.get(path("initialSync"), limit=1)
    rooms = {room["room_id"]: room for room in answer["rooms"]}
    assert set(rooms) == {talk.room, invited}
    assert bodies(rooms[talk.room]["messages"]["chunk"]) == ["hello"]
    assert rooms[invited]["invite"]["content"]["membership"] == "invite"
    assert answer["presence"] is not None
    archived = talk.get(path("initialSync"), archived=True)
    assert {room["room_id"]: room["membership"] for room in archived["rooms"]}[left] == "leave"
    talk.say("later")
    events = talk.get(path("events"), from_=answer["end"], timeout=1000)
    assert bodies(events["chunk"]) == ["later"]
    assert events["start"] == answer["end"]


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("m.ignored_user_list", {"ignored_users": {"@bob:test": {}}}),
        ("m.invite_permission_config", {"default_action": "block"}),
        ("org.matrix.msc4155.invite_permission_config", {"ignored_users": ["@bob:*"]}),
    ],
)
def test_invites_that_one_does_not_take(talk: Talk, kind: str, content: dict[str, Any]) -> None:
    invited = create_room(talk.server, talk.bob)
    assert member(talk.server, talk.bob, invited, "invite", "@alice:test")[0] == 200
    talk.server.ok(talk.alice.put(path("user", "@alice:test", "account_data", kind), content))
    assert [room["room_id"] for room in talk.get(path("initialSync"))["rooms"]] == [talk.room]


def test_waiting_for_events(talk: Talk) -> None:
    token = talk.get(path("events"))["end"]
    answers: list[Any] = []
    start(talk.bob.get(path("events"), {"from": token, "timeout": 30_000})).addCallback(answers.append)
    assert answers == []
    talk.say("now")
    assert bodies(answers[0][1]["chunk"]) == ["now"]
    assert talk.get(path("events"), from_=answers[0][1]["end"], timeout=100)["chunk"] == []
    assert talk.refusal(path("events"), from_="t1_1") == (400, "M_INVALID_PARAM")


def test_waiting_ends_with_the_client(talk: Talk) -> None:
    waiting = start(talk.bob.get(path("events"), {"timeout": 30_000}))
    timers = talk.server.clock.waiting()
    waiting.addErrback(lambda failure: None)
    waiting.cancel()
    assert talk.server.clock.waiting() == timers - 1


def test_looking_into_a_room(talk: Talk) -> None:
    talk.say("hidden")
    assert talk.refusal(talk.path("initialSync"), talk.eve) == (403, "M_FORBIDDEN")
    assert talk.refusal(path("events"), talk.eve, room_id=talk.room) == (403, "M_FORBIDDEN")
    talk.state("m.room.history_visibility", {"history_visibility": "world_readable"})
    talk.say("open")
    guest = talk.server.ok(talk.server.client.post("/_matrix/client/v3/register?kind=guest"))
    visitor = talk.server.client.with_token(guest["access_token"])
    snapshot = talk.get(talk.path("initialSync").replace("/v3/", "/r0/"), visitor, limit=20)
    assert bodies(snapshot["messages"]["chunk"]) == ["open"]
    assert "membership" not in snapshot
    answers: list[Any] = []
    query = {"from": snapshot["messages"]["end"], "timeout": 30_000, "room_id": talk.room}
    start(visitor.get(path("events").replace("/v3/", "/r0/"), query)).addCallback(answers.append)
    talk.say("next")
    assert bodies(answers[0][1]["chunk"]) == ["next"]
    assert talk.refusal(path("events"), visitor) == (403, "M_GUEST_ACCESS_FORBIDDEN")
    again: list[Any] = []
    start(visitor.get(path("events"), {**query, "from": answers[0][1]["end"]})).addCallback(again.append)
    talk.state("m.room.history_visibility", {"history_visibility": "joined"})
    assert [event["type"] for event in again[0][1]["chunk"]] == ["m.room.history_visibility"]
    talk.say("closed")
    assert talk.refusal(path("events"), visitor, **{"room_id": talk.room, "from": again[0][1]["end"]}) == (403, "M_FORBIDDEN")
