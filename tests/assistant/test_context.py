"""What a prompt holds: what the asker may see, in this room, now."""

import pytest

from tests.assistant.homeserver import ME
from tests.assistant.house import ALICE, BOB, CAROL, House


@pytest.mark.parametrize(("visibility", "sees"), [("shared", True), ("world_readable", True), ("joined", False), ("invited", False)])
def test_who_joined_later(house: House, visibility: str, sees: bool) -> None:
    room = house.room(visibility=visibility)
    house.hs.say(room.id, ALICE, "the word is tulip")
    house.settle()
    house.hs.join(room.id, BOB)
    house.hs.say(room.id, ALICE, "welcome")
    house.hs.mention(room.id, BOB, "what is the word?")
    house.settle()
    assert "welcome" in house.model.prompts[0]
    assert ("tulip" in house.model.prompts[0]) is sees


def test_what_was_said_while_the_asker_was_away(house: House) -> None:
    room = house.room(BOB, visibility="joined")
    house.hs.say(room.id, ALICE, "first rose")
    house.hs.leave(room.id, BOB)
    house.hs.say(room.id, ALICE, "the word is tulip")
    house.hs.join(room.id, BOB)
    house.hs.mention(room.id, BOB, "what did I miss?")
    house.settle()
    assert "rose" in house.model.prompts[0]
    assert "tulip" not in house.model.prompts[0]


def test_visibility_that_was_changed(house: House) -> None:
    room = house.room(visibility="joined")
    house.hs.say(room.id, ALICE, "the word is tulip")
    house.hs.put(room.id, ALICE, "m.room.history_visibility", {"history_visibility": "shared"}, "")
    house.hs.say(room.id, ALICE, "open now")
    house.hs.join(room.id, BOB)
    house.hs.mention(room.id, BOB, "what is the word?")
    house.settle()
    assert "open now" in house.model.prompts[0]
    assert "tulip" not in house.model.prompts[0]


@pytest.mark.parametrize(("visibility", "sees"), [("shared", True), ("world_readable", True), ("joined", False), ("invited", False)])
def test_tasks_of_before_one_came(house: House, visibility: str, sees: bool) -> None:
    """Neither listed, nor said again by changing or closing them."""
    room = house.room(visibility=visibility)
    house.hs.say(room.id, ALICE, "!task order a tulip")
    house.settle()
    task = room.by(ME, "chat.chatme.task")[0]["event_id"]
    for number in range(120):
        house.hs.say(room.id, ALICE, f"chatter {number}")
    house.hs.join(room.id, BOB)
    house.hs.say(room.id, ALICE, "!task order a rose")
    house.settle()
    before = len(room.events)
    house.hs.say(room.id, BOB, "!tasks")
    house.hs.say(room.id, BOB, f"!task assign 1 {BOB}")
    house.hs.react(room.id, BOB, task, "✅")
    house.settle()
    said = str([event["content"] for event in room.events[before:]])
    assert "rose" in said
    assert ("tulip" in said) is sees
    assert house.built.kit.things.tasks(room.id)[0].is_open is not sees
    if not sees:
        assert "There is no task 1 here." in said


def test_clocks_that_differ(house: House) -> None:
    """Servers of members are ahead of each other; one says that a message of now is of a time long gone. Order is that of the room."""
    room = house.room(BOB)
    now = house.clock.now_ms()

    def say(text: str, at: int) -> str:
        event = house.hs.say(room.id, ALICE, text)
        room.events[-1]["origin_server_ts"] = at
        return event

    first = say("a rose", now + 300_000)
    say("a tulip", now - 300_000)
    say("a daisy", 0)
    house.hs.outbox.clear()
    house.hs.mention(room.id, BOB, "which flowers?")
    house.settle()
    assert all(flower in house.model.prompts[0] for flower in ("a rose", "a tulip", "a daisy"))
    house.hs.say(room.id, BOB, "!ai summary 8h")
    house.settle()
    assert all(flower in house.model.prompts[1] for flower in ("a rose", "a tulip"))
    assert "a daisy" not in house.model.prompts[1]
    house.hs.react(room.id, BOB, first, "🌐")
    house.settle()
    assert "a rose" in house.model.prompts[2]


def test_what_was_said_after_the_question_is_not_in_its_prompt(house: House) -> None:
    room = house.room(BOB)
    house.hs.mention(room.id, BOB, "which flowers?")
    house.hs.say(room.id, ALICE, "a rose")
    room.events[-1]["origin_server_ts"] = room.events[-2]["origin_server_ts"] - 1
    house.settle()
    assert "a rose" not in house.model.prompts[0]


def test_nothing_crosses_rooms(house: House) -> None:
    first, second = house.room(BOB), house.room(BOB)
    for number in range(5):
        house.hs.say(first.id, ALICE, f"canary{number} sings")
        house.hs.mention(first.id, BOB, "what sings?")
        house.hs.mention(second.id, BOB, "what sings here?")
    house.settle()
    of_second = [prompt for prompt in house.model.prompts if "what sings here?" in prompt]
    assert len(of_second) == 5
    assert not any("canary" in prompt for prompt in of_second)


def test_redacted_edited_and_expired(house: House) -> None:
    room = house.room(BOB)
    gone = house.hs.say(room.id, ALICE, "the word is tulip")
    changed = house.hs.say(room.id, ALICE, "it is a daisy")
    edit = {"m.new_content": {"msgtype": "m.text", "body": "it is a rose"}, "m.relates_to": {"rel_type": "m.replace", "event_id": changed}}
    house.hs.say(room.id, ALICE, "* it is a rose", **edit)
    house.hs.redact(room.id, ALICE, gone)
    house.hs.mention(room.id, BOB, "what is it?")
    house.settle()
    assert "tulip" not in house.model.prompts[0]
    assert "daisy" not in house.model.prompts[0]
    assert "rose" in house.model.prompts[0]
    house.hs.put(room.id, ALICE, "m.room.retention", {"max_lifetime": 3_600_000}, "")
    house.clock.ahead = 7200
    house.hs.mention(room.id, BOB, "and now?")
    house.settle()
    assert "rose" not in house.model.prompts[1]


def test_cut_to_whole_messages(house: House) -> None:
    room = house.room(BOB)
    for number in range(39):
        house.hs.say(room.id, ALICE, f"number{number} " + "long " * 200 + f"end{number}")
    house.hs.mention(room.id, BOB, "what?")
    house.settle()
    prompt = house.model.prompts[0]
    assert len(prompt) < 6000 * 4 + 6000
    shown = [number for number in range(39) if f"number{number} " in prompt]
    assert shown
    assert shown[-1] == 38
    assert all(f"end{number}" in prompt for number in shown)


def test_who_left_gets_nothing(house: House) -> None:
    room = house.room(BOB, CAROL)
    house.hs.say(room.id, ALICE, "the word is tulip")
    house.hs.mention(room.id, BOB, "what?")
    house.hs.leave(room.id, BOB)
    house.settle()
    assert "tulip" not in "".join(house.model.prompts)


def test_secrets_do_not_travel(house: House) -> None:
    room = house.room(BOB)
    house.hs.say(room.id, ALICE, "use sk-abcdefghijklmnop1234 and password: hunter2hunter")
    house.hs.mention(room.id, BOB, "what?")
    house.settle()
    assert "abcdefghijklmnop" not in house.model.prompts[0]
    assert "hunter2" not in house.model.prompts[0]
    assert "as-token" not in house.model.prompts[0]
    assert ME not in [event["sender"] for event in room.events if event["type"] == "m.room.redaction"]
