"""Tasks, from message to done."""

from tests.assistant.homeserver import ME, Room
from tests.assistant.house import ALICE, BOB, House

TASK = "chat.chatme.task"


def tasks(room: Room) -> list[str]:
    return [event["content"]["body"] for event in room.by(ME, TASK)]


def test_made_assigned_dated_and_closed(house: House) -> None:
    room = house.room(BOB)
    house.hs.say(room.id, ALICE, f"!task paint the fence {BOB} due 2099-05-04 10:00")
    house.settle()
    made = room.by(ME, TASK)[0]["content"]
    assert made[TASK] == {"number": 1, "title": "paint the fence", "assignee": BOB, "due": 4081572000000, "state": "open"}
    assert made["m.mentions"] == {"user_ids": [BOB]}
    assert made["m.relates_to"]["rel_type"] == "m.reference"
    assert made["body"] == f"☐ Task 1: paint the fence, for {BOB}, due Mon 2099-05-04 10:00 UTC"
    house.hs.say(room.id, BOB, f"!task assign 1 {ALICE}")
    house.settle()
    house.hs.say(room.id, BOB, "!task due 1 tomorrow 12:00")
    house.settle()
    house.hs.say(room.id, BOB, "!tasks")
    house.settle()
    assert f"☐ 1. paint the fence, for {ALICE}" in house.texts(room)[-1]
    house.hs.say(room.id, BOB, "!task done 1")
    house.settle()
    house.hs.say(room.id, BOB, "!tasks")
    house.settle()
    assert house.texts(room)[-1] == "There are no open tasks here."
    last = room.by(ME, TASK)[-1]["content"]
    assert last["m.relates_to"]["rel_type"] == "m.replace"
    assert last["m.new_content"][TASK]["state"] == "closed"


def test_by_reaction_and_closed_by_reaction(house: House) -> None:
    room = house.room(BOB)
    source = house.hs.say(room.id, BOB, "somebody should water the plants")
    house.hs.react(room.id, ALICE, source, "📌")
    house.settle()
    assert room.by(ME, TASK)[0]["content"]["m.relates_to"]["event_id"] == source
    shown = next(event for event in room.by(ME) if "water the plants" in event["content"]["body"])
    house.hs.react(room.id, BOB, shown["event_id"], "✅")
    house.settle()
    assert not house.built.kit.things.tasks(room.id)[0].is_open
    assert house.texts(room)[-1].startswith("☑ Task 1")  # in no thread: what has a relation can be no root of one


def test_a_redacted_task_is_gone(house: House) -> None:
    room = house.room(BOB)
    source = house.hs.say(room.id, BOB, "!task water the plants due tomorrow")
    house.settle()
    house.hs.redact(room.id, BOB, source)
    house.settle()
    assert house.built.kit.things.tasks(room.id) == []
    assert house.built.kit.things.next_reminder() is None


def test_reminded_after_a_restart_and_once(house: House) -> None:
    room = house.room(BOB)
    house.hs.say(room.id, BOB, f"!task water the plants {BOB} due in 2 hours")
    house.settle()
    house.stop()
    house.clock.ahead = 2 * 3600 + 60
    house.start()
    house.loop.until(lambda: any("⏰" in event["content"]["body"] for event in room.by(ME)))
    house.stop()
    house.start()
    house.loop.turn(0.2)
    reminders = [event["content"] for event in room.by(ME) if "⏰" in event["content"]["body"]]
    assert len(reminders) == 1
    assert reminders[0]["m.mentions"] == {"user_ids": [BOB]}


def test_tasks_are_for_people_of_the_room(house: House) -> None:
    room = house.room(BOB)
    house.hs.say(room.id, BOB, "!task water the plants")
    house.settle()
    house.hs.say(room.id, BOB, "!task assign 1 @stranger:test")
    house.settle()
    assert house.built.kit.things.tasks(room.id)[0].assignee == ""
    assert len(tasks(room)) == 1
