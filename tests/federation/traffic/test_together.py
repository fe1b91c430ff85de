"""Three whole servers in one room, joined over federation: what is said, typed and read anywhere arrives everywhere, also after somebody was away."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.federation.support.shared import enter, messages
from tests.federation.support.sharing import say, transactions
from tests.federation.support.town import Town, town_of
from tests.support.client import Client
from tests.support.rooms import create_room, path

NAMES = ("a.test", "b.test", "c.test")


class Room(NamedTuple):
    town: Town
    room_id: str
    people: dict[str, Client]  # by server

    def say(self, server: str, text: str) -> None:
        say(self.town, self.people[server], self.room_id, text, server)

    def heard(self, server: str) -> list[str]:
        """What stands in the timeline there."""
        return messages(self.town, server, self.people[server], self.room_id)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with town_of(tmp_path, *NAMES) as town:
        people = {name: town.user(name, f"user-{name[0]}") for name in NAMES}
        room_id = create_room(town["a.test"], people["a.test"], preset="public_chat")
        for name in NAMES[1:]:
            enter(town, name, people[name], room_id)
            town.settle(1)
        yield Room(town, room_id, people)


def test_everybody_hears_everybody(room: Room) -> None:
    for number in range(3):
        for name in NAMES:
            room.say(name, f"{name} {number}")
            room.town.settle(0.5)
    said = [f"{name} {number}" for number in range(3) for name in NAMES]
    assert [room.heard(name) for name in NAMES] == [said] * 3


def test_a_join_is_told_once_to_each_of_the_others(room: Room) -> None:
    joins = [
        (origin, destination, pdu["state_key"])
        for origin in NAMES
        for destination in NAMES
        for body in transactions(room.town, destination, origin)
        for pdu in body["pdus"]
        if pdu["type"] == "m.room.member"
    ]
    assert joins == [("a.test", "b.test", "@user-c:c.test")]


def test_whoever_was_away_hears_what_was_said_meanwhile(room: Room) -> None:
    room.town.network.take_down("c.test")
    for number in range(5):
        room.say("a.test", f"a {number}")
        room.town.settle(0.5)
        room.say("b.test", f"b {number}")
        room.town.settle(0.5)
    room.say("c.test", "alone")
    room.town.settle(5)
    room.town.network.bring_up("c.test")
    room.town.settle(400, step=1)
    heard = [room.heard(name) for name in NAMES]
    assert [sorted(each) for each in heard] == [sorted([*(f"{name} {number}" for name in "ab" for number in range(5)), "alone"])] * 3
    room.say("c.test", "together")
    room.town.settle(1)
    assert {room.heard(name)[-1] for name in NAMES} == {"together"}


def test_typing_and_receipts_go_everywhere(room: Room) -> None:
    room.say("a.test", "read me")
    room.town.settle(1)
    b, user = room.town["b.test"], "@user-b:b.test"
    b.ok(room.people["b.test"].put(path("rooms", room.room_id, "typing", user), {"typing": True}))
    where = path("rooms", room.room_id, "messages")
    event = b.ok(room.people["b.test"].get(where, {"dir": "b", "limit": 1}))["chunk"][0]
    b.ok(room.people["b.test"].post(path("rooms", room.room_id, "receipt", "m.read", event["event_id"])))
    room.town.settle(1)
    for name in NAMES:
        personal = room.town[name].parts.personal
        assert personal.typing.in_room(room.room_id) == (user,)
        receipt = room.town.run(personal.receipts.room(room.room_id)).latest(user, "m.read")
        assert receipt is not None
        assert receipt.event_id == event["event_id"]


def test_who_has_left_hears_no_more(room: Room) -> None:
    room.town["c.test"].ok(room.people["c.test"].post(path("rooms", room.room_id, "leave")))
    room.town.settle(1)
    told = len(transactions(room.town, "c.test"))
    room.say("a.test", "among ourselves")
    room.town.settle(1)
    assert len(transactions(room.town, "c.test")) == told
    assert room.heard("b.test") == ["among ourselves"]
    enter(room.town, "c.test", room.people["c.test"], room.room_id, via="b.test")
    room.town.settle(1)
    room.say("c.test", "back")
    room.say("a.test", "welcome")
    room.town.settle(1)
    assert [sorted(room.heard(name)) for name in ("a.test", "b.test")] == [["among ourselves", "back", "welcome"]] * 2
    assert "welcome" in room.heard("c.test")
