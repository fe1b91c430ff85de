"""What an application service is told: which events, in which transactions, and what happens when it is away."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.appservices.house import HS_TOKEN, House
from tests.support.rooms import path


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.stop()


def test_events_of_rooms_with_one_of_its_users(house: House) -> None:
    alice, ghost = house.server.user("alice"), house.ghost("bob")
    other, room = house.room(alice), house.room(alice)
    house.say(alice, other, "not told")
    house.say(alice, room, "too early")
    house.ok(house.bridge.post(path("join", room), {}, query=ghost))
    house.say(alice, room, "told")
    house.say(house.bridge, room, "its own", **ghost)
    assert house.said == ["told", "its own"]
    house.ok(house.bridge.post(path("rooms", room, "leave"), {}, query=ghost))
    house.say(alice, room, "too late")
    assert house.said == ["told", "its own"]
    memberships = [event for event in house.service.events if event["type"] == "m.room.member"]
    assert [event["content"]["membership"] for event in memberships] == ["join", "leave"]
    assert {event["room_id"] for event in house.service.events} == {room}
    assert memberships[1]["unsigned"]["prev_content"]["membership"] == "join"


def test_it_is_asked_with_its_token_in_the_header(house: House) -> None:
    house.room(house.bridge)
    house.wait()
    assert house.service.asked
    for asked in house.service.asked:
        assert asked.method == "PUT"
        assert asked.path.startswith("/_matrix/app/v1/transactions/")
        assert asked.headers["Authorization"] == f"Bearer {HS_TOKEN}"
        assert "?" not in asked.path


def test_rooms_by_alias_and_by_id(tmp_path: Path) -> None:
    house = House(tmp_path, keys={"namespaces": {"users": [], "rooms": [], "aliases": [{"exclusive": False, "regex": "#tea.*"}]}})
    alice = house.server.user("alice")
    room = house.room(alice)
    house.say(alice, room, "before")
    assert house.said == []
    house.ok(alice.put(path("directory", "room", "#tea:test"), {"room_id": room}))
    house.say(alice, room, "named")
    assert house.said == ["named"]
    house.ok(alice.delete(path("directory", "room", "#tea:test")))
    house.say(alice, room, "after")
    assert house.said == ["named"]
    house.stop()


def test_a_transaction_is_sent_until_it_is_accepted(house: House) -> None:
    alice, ghost = house.server.user("alice"), house.ghost("bob")
    room = house.room(alice, ghost)
    house.wait()
    accepted = len(house.service.transactions)
    house.service.status = 500
    house.say(alice, room, "one")
    house.wait(0.1)
    house.say(alice, room, "two")
    house.wait(5)
    failed = house.service.transactions[accepted:]
    assert len(failed) >= 3
    assert len({txn_id for txn_id, _ in failed}) == 1
    assert all(body == failed[0][1] for _, body in failed)
    house.service.status = 200
    house.wait(10)
    assert house.said == ["one", "two"]


def test_many_events_are_told_in_portions(house: House) -> None:
    alice, ghost = house.server.user("alice"), house.ghost("bob")
    room = house.room(alice, ghost)
    house.wait()
    house.service.down = True
    for number in range(250):
        house.say(alice, room, str(number))
    house.service.down = False
    house.wait(200)
    assert house.said == [str(number) for number in range(250)]
    assert max(len(body["events"]) for _, body in house.service.transactions) == 100


def test_a_sign_of_life_ends_the_wait(house: House) -> None:
    alice, ghost = house.server.user("alice"), house.ghost("bob")
    room = house.room(alice, ghost)
    house.service.down = True
    house.say(alice, room, "one")
    house.wait(400)
    house.service.down = False
    house.wait(10)
    assert house.said == []
    house.ok(house.bridge.get(path("account", "whoami")))
    house.wait(6)
    assert house.said == ["one"]


def test_an_unknown_user_is_asked_for_before_the_invite_is_told(house: House) -> None:
    alice = house.server.user("alice")
    room = house.room(alice)
    house.ok(alice.post(path("rooms", room, "invite"), {"user_id": "@_irc_new:test"}))
    house.wait()
    paths = [asked.path for asked in house.service.asked]
    assert paths[0] == "/_matrix/app/v1/users/@_irc_new:test"
    (event,) = house.service.events
    assert event["state_key"] == "@_irc_new:test"
    assert {"type", "state_key", "sender", "content"} <= set(event["unsigned"]["invite_room_state"][0])


def test_ephemeral_events(tmp_path: Path) -> None:
    house = House(tmp_path, keys={"receive_ephemeral": True, "de.sorunome.msc2409.push_ephemeral": True})
    alice, ghost = house.server.user("alice"), house.ghost("bob")
    room, other = house.room(alice, ghost), house.room(alice)
    event_id = house.say(alice, room, "one")
    for where in (room, other):
        house.ok(alice.put(path("rooms", where, "typing", "@alice:test"), {"typing": True}))
    house.ok(alice.post(path("rooms", room, "receipt", "m.read", event_id)))
    house.ok(alice.post(path("rooms", room, "receipt", "m.read.private", event_id)))
    house.ok(alice.put(path("presence", "@alice:test", "status"), {"presence": "online"}))
    house.wait()
    told = [event for events in house.service.told("ephemeral") for event in events]
    assert house.service.told("ephemeral") == house.service.told("de.sorunome.msc2409.ephemeral")
    typing = [event for event in told if event["type"] == "m.typing"]
    assert [(event["room_id"], event["content"]["user_ids"]) for event in typing] == [(room, ["@alice:test"])]
    (receipt,) = [event for event in told if event["type"] == "m.receipt"]
    assert receipt["room_id"] == room
    assert list(receipt["content"][event_id]) == ["m.read"]
    assert [event["sender"] for event in told if event["type"] == "m.presence"][-1:] == ["@alice:test"]
    house.stop()
