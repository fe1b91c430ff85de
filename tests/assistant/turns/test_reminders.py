"""Reminders: once each, by the homeserver where it takes them beforehand (MSC4140), by our own timer elsewhere, through restarts of either."""

from collections.abc import Callable

import pytest

from tests.assistant.homeserver import ME, Room
from tests.assistant.house import ALICE, BOB, House

HOUR = 3600


def look(house: House) -> None:
    house.loop.run(house.built.assistant._reminders._tell_all())


def told(room: Room) -> list[str]:
    return [event["content"]["body"] for event in room.by(ME) if event["content"]["body"].startswith("⏰")]


@pytest.fixture
def room(house: House) -> Room:
    """With a task that is due in two hours, handed over."""
    house.hs.max_delay_ms = 24 * HOUR * 1000
    room = house.room(BOB)
    house.hs.say(room.id, BOB, f"!task water the plants {BOB} due in 2 hours")
    house.settle()
    look(house)
    assert len(house.hs.delayed) == 1
    return room


def test_the_homeserver_reminds_while_we_are_away(house: House, room: Room) -> None:
    house.stop()
    house.clock.ahead = 2 * HOUR + 1
    house.hs.send_delayed()
    assert told(room) == ["⏰ water the plants is due"]
    house.start()
    for _ in range(3):
        look(house)
        house.clock.ahead += 61
    assert len(told(room)) == 1
    assert house.built.kit.things.next_reminder() is None


def test_one_that_the_homeserver_lost_comes_all_the_same(house: House, room: Room) -> None:
    house.hs.delayed.clear()
    house.clock.ahead = 2 * HOUR + 1
    look(house)
    assert told(room) == []  # it may still be sending
    house.clock.ahead += 61
    look(house)
    look(house)
    assert len(told(room)) == 1


def test_one_that_it_did_not_send_in_time_is_taken_back(house: House, room: Room) -> None:
    house.clock.ahead = 2 * HOUR + 62
    look(house)
    house.hs.send_delayed()
    assert len(told(room)) == 1


@pytest.mark.parametrize("words", ["!task done 1", "!ai off"])
def test_what_is_not_to_be_said_is_cancelled(house: House, room: Room, words: str) -> None:
    house.hs.say(room.id, ALICE, words)
    house.settle()
    look(house)
    assert house.hs.delayed == {}


def test_what_was_redacted_is_cancelled(house: House, room: Room) -> None:
    task = room.by(ME, "chat.chatme.task")[0]
    house.hs.redact(room.id, ALICE, task["event_id"])
    house.settle()
    look(house)
    assert house.hs.delayed == {}


def test_another_time_is_another_delay(house: House, room: Room) -> None:
    house.hs.say(room.id, BOB, "!task due 1 in 5 hours")
    house.settle()
    look(house)
    assert [round((due - house.clock.now_ms()) / 3_600_000) for due, *_ in house.hs.delayed.values()] == [5]


def test_one_too_far_ahead_is_handed_over_later(house: House) -> None:
    house.hs.max_delay_ms = HOUR * 1000
    room = house.room(BOB)
    house.hs.say(room.id, BOB, "!task water the plants due in 2 hours")
    house.settle()
    look(house)
    assert house.hs.delayed == {}
    house.clock.ahead = 1.5 * HOUR
    look(house)
    assert len(house.hs.delayed) == 1


def test_never_in_encrypted_rooms_nor_where_it_is_not_offered(build: Callable[..., House]) -> None:
    house = build()
    room = house.room(BOB)
    house.hs.say(room.id, BOB, "!task water the plants due in 2 hours")
    house.settle()
    look(house)
    assert told(room) == []
    house.stop()
    house.hs.max_delay_ms = 24 * HOUR * 1000
    house.hs.put(room.id, ALICE, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"}, "")
    house.hs.outbox.clear()
    house.start()
    look(house)
    assert house.hs.delayed == {}


def test_a_room_that_becomes_encrypted_takes_its_reminders_back(house: House, room: Room) -> None:
    """And here, where there are no keys to be had, they are not said at all."""
    house.hs.put(room.id, ALICE, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"}, "")
    house.settle()
    look(house)
    assert house.hs.delayed == {}
    house.clock.ahead = 2 * HOUR + 1
    look(house)
    assert told(room) == []


def test_who_has_the_task_now_is_reminded(house: House) -> None:
    room = house.room(BOB)
    house.hs.say(room.id, BOB, f"!task water the plants {BOB} due in 2 hours")
    house.settle()
    house.hs.say(room.id, BOB, f"!task assign 1 {ALICE}")
    house.settle()
    house.clock.ahead = 2 * HOUR + 1
    look(house)
    [reminder] = [event["content"] for event in room.by(ME) if event["content"]["body"].startswith("⏰")]
    assert reminder["m.mentions"] == {"user_ids": [ALICE]}


def test_one_that_cannot_be_said_holds_up_no_other(house: House) -> None:
    house.hs.max_delay_ms = 24 * HOUR * 1000
    room, other = house.room(BOB), house.room(BOB)
    for each in (room, other):
        house.hs.say(each.id, BOB, f"!task water the plants of {each.id[1:3]} due in 2 hours")
    house.settle()
    house.hs.leave(room.id, ME)
    house.hs.outbox.clear()  # it has not heard of that yet
    look(house)
    assert [where.id for _, where, *_ in house.hs.delayed.values()] == [other.id]


def test_another_assignee_is_another_delay(house: House, room: Room) -> None:
    house.hs.say(room.id, BOB, f"!task assign 1 {ALICE}")
    house.settle()
    look(house)
    look(house)
    assert [content["m.mentions"] for *_, content in house.hs.delayed.values()] == [{"user_ids": [ALICE]}]


def test_nobody_else_can_say_that_it_was_said(house: House) -> None:
    """The homeserver has lost what it was given, and a member says that the reminder came."""
    house.hs.max_delay_ms = 24 * HOUR * 1000
    room = house.room(BOB)
    house.hs.say(room.id, BOB, "!task water the plants due in 2 hours")
    house.settle()
    look(house)
    assert house.hs.delayed
    house.hs.delayed.clear()
    [task] = house.built.kit.things.tasks(room.id)
    forged = {"chat.chatme.reminder": {"due": task.due}, "m.relates_to": {"rel_type": "m.reference", "event_id": task.event}}
    house.hs.say(room.id, BOB, "said already", **forged)
    house.clock.ahead = 2 * HOUR + 120
    look(house)
    assert [event for event in room.by(ME) if event["content"]["body"].startswith("⏰")]
