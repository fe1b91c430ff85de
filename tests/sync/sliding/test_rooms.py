"""What sliding sync tells of rooms (MSC4186, "Room results", "Changing room configs")."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.support.client import start
from tests.support.rooms import create_room, join, member, path
from tests.sync.sliding.connection import a_list
from tests.sync.sliding.town import ALICE, BOB, Town

MEMBERS = [["m.room.member", "$LAZY"], ["m.room.member", "$ME"]]


def addresses(told: Any) -> set[tuple[str, str]]:
    return {(event["type"], event["state_key"]) for event in told.get("required_state", ())}


def ids(told: Any) -> list[str]:
    return [event["event_id"] for event in told["timeline"]]


def test_the_first_answer_and_the_next(town: Town) -> None:
    room = town.room("Tea")
    sent = town.say(room)
    client = town.client(lists={"all": a_list()})
    first = client.sync()
    told = first["rooms"][room]
    assert first["lists"] == {"all": {"count": 1}}
    assert (told["initial"], told["name"], told["membership"]) == (True, "Tea", "join")
    assert told["timeline"][-1]["event_id"] == sent
    assert addresses(told) == {("m.room.create", ""), ("m.room.name", ""), ("m.room.member", ALICE), ("m.room.member", BOB)}
    assert (told["joined_count"], told["invited_count"], told["num_live"]) == (2, 0, 0)
    assert "heroes" not in told
    assert client.sync()["rooms"] == {}
    sent = town.say(room)
    told = client.sync()["rooms"][room]
    assert ids(told) == [sent]
    assert not {"initial", "required_state", "name", "joined_count"} & told.keys()
    assert (told["num_live"], told["limited"]) == (1, False)


def test_what_was_missed(town: Town) -> None:
    room = town.room()
    client = town.client(lists={"all": a_list(limit=2)})
    client.sync()
    said = [town.say(room) for _ in range(5)]
    told = client.sync()["rooms"][room]
    assert (ids(told), told["limited"], told["num_live"]) == (said[3:], True, 2)
    older = town.ok(town.alice.get(path("rooms", room, "messages"), {"dir": "b", "from": told["prev_batch"], "limit": 3}))["chunk"]
    assert [event["event_id"] for event in older] == said[2::-1]
    newer = town.ok(town.alice.get(path("rooms", room, "messages"), {"dir": "f", "from": client.pos}))["chunk"]
    assert newer == []


def test_a_room_that_comes_into_the_window(town: Town) -> None:
    rooms = [town.room(str(number)) for number in range(3)]
    client = town.client(lists={"all": a_list(0, limit=4)})
    assert set(client.sync()["rooms"]) == {rooms[2]}
    sent = town.say(rooms[0])
    told = client.sync()["rooms"]
    assert set(told) == {rooms[0]}
    assert told[rooms[0]]["initial"]
    assert (len(told[rooms[0]]["timeline"]), told[rooms[0]]["num_live"]) == (4, 1)
    missed = town.say(rooms[2])
    town.say(rooms[0])
    assert set(client.sync()["rooms"]) == {rooms[0]}
    told = client.sync(lists={"all": a_list(1, limit=4)})["rooms"]
    assert ids(told[rooms[2]]) == [missed]
    assert "initial" not in told[rooms[2]]
    assert told[rooms[2]]["num_live"] == 0
    assert sent not in ids(told[rooms[2]])


def test_more_of_the_past(town: Town) -> None:
    room = town.room()
    said = [town.say(room) for _ in range(6)]
    client = town.client(lists={"all": a_list(limit=1)})
    assert ids(client.sync()["rooms"][room]) == said[5:]
    new = town.say(room)
    assert ids(client.sync()["rooms"][room]) == [new]
    opened = {room: {"timeline_limit": 4, "required_state": MEMBERS}}
    told = client.sync(room_subscriptions=opened)["rooms"][room]
    assert (ids(told), told["unstable_expanded_timeline"], told["num_live"]) == ([*said[3:], new], True, 0)
    assert client.sync(room_subscriptions=opened)["rooms"] == {}
    assert client.sync()["rooms"] == {}
    assert client.sync(room_subscriptions=opened)["rooms"] == {}, "it has these"
    newer = [town.say(room) for _ in range(2)]
    told = client.sync(room_subscriptions={room: {"timeline_limit": 6, "required_state": MEMBERS}})["rooms"][room]
    assert (ids(told), told["num_live"]) == ([*said[3:], new, *newer], 2)


def test_more_of_the_state(town: Town) -> None:
    room = town.room("Tea", topic="Which sort?")
    child = town.put_state(room, "m.space.child", {"via": ["test"]}, "!child:test")
    client = town.client(lists={"all": a_list(required=[["m.room.name", ""]])})
    assert addresses(client.sync()["rooms"][room]) == {("m.room.name", "")}
    more = {"all": a_list(required=[["m.room.name", ""], ["m.room.topic", ""], ["m.space.child", "*"], ["m.room.member", BOB]])}
    told = client.sync(lists=more)["rooms"][room]
    assert addresses(told) == {("m.room.topic", ""), ("m.space.child", "!child:test"), ("m.room.member", BOB)}
    assert child in {event["event_id"] for event in told["required_state"]}
    assert client.sync(lists=more)["rooms"] == {}
    town.put_state(room, "m.room.topic", {"topic": "Green"})
    assert addresses(client.sync(lists=more)["rooms"][room]) == {("m.room.topic", "")}
    everything = {"all": a_list(required=[["*", "*"], ["m.room.member", "$LAZY"]])}
    told = client.sync(lists=everything)["rooms"][room]
    assert ("m.room.create", "") in addresses(told)
    assert not {("m.room.topic", ""), ("m.room.member", ALICE)} & addresses(told)


def test_members_come_when_they_are_needed(town: Town) -> None:
    room = town.room()
    carol = town.server.user("carol")
    town.ok(carol.post(path("join", room)))
    town.say(room)
    client = town.client(lists={"all": a_list(limit=1, required=MEMBERS)})
    assert addresses(client.sync()["rooms"][room]) == {("m.room.member", ALICE), ("m.room.member", BOB)}
    town.say(room)
    assert addresses(client.sync()["rooms"][room]) == set()
    town.say(room, carol)
    assert addresses(client.sync()["rooms"][room]) == {("m.room.member", "@carol:test")}
    town.ok(carol.post(path("rooms", room, "leave")))
    told = client.sync()["rooms"][room]
    assert addresses(told) == {("m.room.member", "@carol:test")}
    assert told["joined_count"] == 2


def test_a_chat_without_a_name(town: Town) -> None:
    room = create_room(town.server, town.alice, invite=[BOB], is_direct=True)
    client = town.client(lists={"all": a_list()})
    told = client.sync()["rooms"][room]
    assert told["heroes"] == [{"user_id": BOB, "displayname": "bob"}]
    assert (told["joined_count"], told["invited_count"]) == (1, 1)
    assert "is_dm" not in told
    town.put_data("m.direct", {BOB: [room]})
    assert client.sync()["rooms"][room] == {"is_dm": True}
    town.put_data("m.direct", {})
    assert client.sync()["rooms"][room] == {"is_dm": False}
    town.put_state(room, "m.room.name", {"name": "Tea"})
    told = client.sync()["rooms"][room]
    assert (told["name"], "heroes" in told) == ("Tea", False)
    town.put_state(room, "m.room.name", {})
    told = client.sync()["rooms"][room]
    assert (told["name"], [hero["user_id"] for hero in told["heroes"]]) == (None, [BOB])
    town.put_state(room, "m.room.avatar", {"url": "mxc://test/a"})
    assert client.sync()["rooms"][room]["avatar"] == "mxc://test/a"


def test_an_invite_and_what_becomes_of_it(town: Town) -> None:
    room = create_room(town.server, town.bob, name="Tea")
    client = town.client(lists={"all": a_list()})
    client.sync()
    assert member(town.server, town.bob, room, "invite", ALICE)[0] == 200
    told = client.sync()["rooms"][room]
    assert (told["initial"], told["membership"]) == (True, "invite")
    assert {event["type"] for event in told["invite_state"]} >= {"m.room.create", "m.room.name", "m.room.member"}
    assert "timeline" not in told
    town.ok(town.alice.post(path("rooms", room, "leave")))
    told = client.sync()["rooms"][room]
    assert told["membership"] == "leave"
    assert [event["type"] for event in told["timeline"]] == ["m.room.member"]
    assert room not in client.again()["rooms"]
    assert member(town.server, town.bob, room, "invite", ALICE)[0] == 200
    assert client.sync()["rooms"][room]["membership"] == "invite"
    town.ok(town.alice.post(path("join", room)))
    told = client.sync()["rooms"][room]
    assert (told["initial"], told["membership"], told["name"]) == (True, "join", "Tea")


def test_who_leaves_and_who_is_removed(town: Town) -> None:
    room, other = town.room("Tea"), town.room("Coffee")
    client = town.client(lists={"all": a_list()})
    bobs = town.client(lists={"all": a_list()})
    bobs.client = town.bob
    client.sync()
    bobs.sync()
    town.ok(town.bob.post(path("rooms", room, "leave")))
    told = bobs.sync()
    assert told["rooms"][room]["membership"] == "leave"
    assert told["lists"]["all"]["count"] == 2, "it was told of"
    town.say(room, town.alice)
    assert bobs.sync()["rooms"] == {}
    assert bobs.again()["lists"]["all"]["count"] == 1
    assert member(town.server, town.alice, other, "kick", BOB)[0] == 200
    assert bobs.sync()["rooms"][other]["membership"] == "leave"
    fresh = bobs.again()
    assert fresh["lists"]["all"]["count"] == 1, "whoever is removed is told so"
    assert fresh["rooms"][other]["timeline"][-1]["sender"] == ALICE
    subscribed = bobs.sync(room_subscriptions={room: {"timeline_limit": 1, "required_state": []}, "!no:test": {"timeline_limit": 1}})
    assert set(subscribed["rooms"]) == {room}


@pytest.mark.parametrize("limit", [0, 1, 20])
def test_who_is_banned_after_leaving_is_shown_the_room_as_it_was(town: Town, limit: int) -> None:
    room = town.room("Tea")
    town.put_state(room, "m.room.topic", {"topic": "then"})
    known = town.client("known", lists={"all": a_list(limit=limit, required=[])})
    known.client = town.bob
    known.sync()
    town.ok(town.bob.post(path("rooms", room, "leave")))
    left = town.client("left", lists={"all": a_list(limit=limit, required=[])}, room_subscriptions={room: {"timeline_limit": 1}})
    left.client = town.bob
    left.sync()
    town.put_state(room, "m.room.topic", {"topic": "now"})
    town.put_state(room, "m.room.name", {"name": "Rum"})
    assert member(town.server, town.alice, room, "ban", BOB)[0] == 200
    required = [["m.room.topic", ""], ["m.room.member", "$ME"]]
    fresh = town.client("fresh", lists={"all": a_list(limit=limit, required=required)})
    fresh.client = town.bob
    for client in (known, left, fresh):
        wider: dict[str, Any] = {"lists": {"all": a_list(limit=limit, required=required)}}
        if client is left:
            wider = {"room_subscriptions": {room: {"timeline_limit": 1, "required_state": required}}}
        told = client.sync(**wider)["rooms"][room]
        assert "Rum" not in str(told)
        assert told["membership"] == "ban"
        state = {(event["type"], event["state_key"]): event["content"] for event in told["required_state"]}
        assert state["m.room.topic", ""] == {"topic": "then"}
        assert state["m.room.member", BOB] == {"membership": "ban"}
        assert client is not fresh or told["name"] == "Tea"


def test_whoever_forgets_a_room_begins_without_it(town: Town) -> None:
    room, other = town.room("Tea"), town.room("Coffee")
    bobs = town.client(lists={"all": a_list()})
    bobs.client = town.bob
    assert bobs.sync()["lists"]["all"]["count"] == 2
    assert member(town.server, town.alice, room, "kick", BOB)[0] == 200
    assert set(bobs.again()["rooms"]) == {room, other}
    town.ok(town.bob.post(path("rooms", room, "forget")))
    assert set(bobs.again()["rooms"]) == {other}
    assert member(town.server, town.alice, other, "ban", BOB)[0] == 200
    assert set(bobs.again()["rooms"]) == {other}
    assert member(town.server, town.alice, other, "unban", BOB)[0] == 200
    join(town.server, town.bob, other)
    assert bobs.again()["rooms"][other]["membership"] == "join"


def test_who_begins_anew_is_told_of_the_room_as_it_is(town: Town) -> None:
    room = town.room("Tea")
    client = town.client(lists={"all": a_list(limit=1)})
    for wider in (False, True):
        told = client.again(lists={"all": a_list(limit=1, required=[["*", ""]] if wider else None)})["rooms"][room]
        assert (told["name"], told["joined_count"], told["invited_count"]) == ("Tea", 2, 0)
    assert client.again()["rooms"][room]["name"] == "Tea"
    town.put_state(room, "m.room.name", {"name": "Coffee"})
    assert member(town.server, town.alice, room, "invite", "@carol:test")[0] == 200
    told = client.again()["rooms"][room]
    assert (told["name"], told["joined_count"], told["invited_count"]) == ("Coffee", 2, 1)
    town.ok(town.bob.post(path("rooms", room, "leave")))
    told = client.again()["rooms"][room]
    assert (told["name"], told["joined_count"], told["invited_count"]) == ("Coffee", 1, 1)


def test_bump_stamps(town: Town) -> None:
    first, second = town.room(), town.room()
    client = town.client(lists={"all": a_list(limit=1)})
    told = client.sync()["rooms"]
    assert told[first]["bump_stamp"] < told[second]["bump_stamp"]
    town.put_state(first, "m.room.topic", {"topic": "Tea"})
    assert "bump_stamp" not in client.sync()["rooms"][first]
    town.say(first)
    assert client.sync()["rooms"][first]["bump_stamp"] > told[second]["bump_stamp"]


def test_unread_counts(town: Town) -> None:
    room = town.room()
    client = town.client(lists={"all": a_list()})
    client.sync()
    sent = town.say(room, mentions=[ALICE])
    told = client.sync()["rooms"][room]
    assert (told["notification_count"], told["highlight_count"]) == (1, 1)
    town.ok(town.alice.post(path("rooms", room, "receipt", "m.read", sent)))
    told = client.sync()["rooms"][room]
    assert (told["notification_count"], told["highlight_count"], told["timeline"]) == (0, 0, [])


def test_counts_that_other_push_rules_make(town: Town) -> None:
    """They are told without news of the room; where the client does not look, when it does again."""
    first, second = town.room(), town.room()
    quiet = town.room()
    town.say(first)
    town.say(second)
    client = town.client(lists={"all": a_list()})
    client.sync()
    for room in (first, second, quiet):
        town.ok(town.alice.put(f"/_matrix/client/v3/pushrules/global/room/{quote(room)}", {"actions": []}))
    told = client.sync(lists={"all": a_list(0)})
    assert {room_id: (room["notification_count"], room["timeline"]) for room_id, room in told["rooms"].items()} == {second: (0, [])}
    assert client.sync(lists={"all": a_list(0)})["rooms"] == {}
    told = client.sync()
    assert {room_id: room["notification_count"] for room_id, room in told["rooms"].items()} == {first: 0}
    answers: list[Any] = []
    begun = start(client.request(client.pos, 30_000))
    begun.addCallback(lambda pair: answers.append(pair[1]))
    assert answers == []
    town.ok(town.alice.delete(f"/_matrix/client/v3/pushrules/global/room/{quote(first)}"))
    town.server.clock.advance(1)
    assert answers[0]["rooms"][first]["notification_count"] == 1
