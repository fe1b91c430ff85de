"""Redaction, expiry, leaving, opting out, turning off: afterwards the text is in no store, and in no later prompt."""

import logging
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.assistant.homeserver import ME, Room
from tests.assistant.house import ALICE, BOB, CAROL, House
from tests.assistant.scripted_model import Say

WORD = "tulipomania"


def repeating(request: dict[str, Any]) -> Say:
    """Says again all it read, in the form that is asked for."""
    rules = request["messages"][0]["content"]
    if '"actions"' in rules:
        items = [{"text": f"order a {WORD}", "source": number} for number in (1, 2, 3)]
        return Say(orjson.dumps({"actions": items, "decisions": items}).decode())
    if '"replies"' in rules:
        return Say(orjson.dumps({"replies": [f"a {WORD}"]}).decode())
    if '"category"' in rules:
        return Say(orjson.dumps({"category": WORD, "topic": f"all about {WORD}", "space": ""}).decode())
    if any(message["role"] == "tool" for message in request["messages"]):
        return Say(f"I found {WORD} [1] [2]")
    tools = [("search_room", {"query": WORD}), ("create_task", {"title": f"buy a {WORD}"})] if request.get("tools") else []
    return Say(f"It is a {WORD} [1] [2]", tools=tools)


def in_stores(house: House) -> list[str]:
    """Looked for by another process: who closes a file that SQLite has open takes away its locks."""
    folder = Path(house.settings.database).parent
    found = subprocess.run(["grep", "-rlaF", WORD, str(folder)], capture_output=True, check=False)
    assert found.returncode in (0, 1)
    return [Path(line).name for line in found.stdout.decode().splitlines()]


def proposed(house: House, room: Room) -> list[str]:
    """Proposals that can be approved and are made of the word."""
    known = {row[0] for row in house.built.assistant._file.rows("SELECT event_id FROM proposals")}
    return [event["event_id"] for event in room.events if event["event_id"] in known and WORD in str(event["content"])]


def everything(house: House, room: Room, user: str, source: str) -> None:
    """Each skill, about that message."""
    answers = {"m.relates_to": {"m.in_reply_to": {"event_id": source}}}
    house.hs.mention(room.id, user, "what is new?")
    for words in ("summary", "actions", "suggest", "resources", "topic", "organise", "ask what is it"):
        house.hs.say(room.id, user, f"!ai {words}")
    for words in ("translate to German", "classify", "code", "file"):
        house.hs.say(room.id, user, f"!ai {words}", **answers)
    house.settle()


def redacted(house: House, room: Room, source: str) -> None:
    house.hs.redact(room.id, CAROL, source)


def expired(house: House, room: Room, source: str) -> None:
    house.clock.ahead += 7200
    house.stop()
    house.start()  # old proposals are looked for now and then, and at the start
    house.loop.turn(0.1)


def opted_out(house: House, room: Room, source: str) -> None:
    house.hs.say(room.id, CAROL, "!ai optout")


def opted_out_by_profile(house: House, room: Room, source: str) -> None:
    house.hs.profiles[CAROL] = {"chat.chatme.ai.opt_out": True}
    house.clock.ahead += 61
    house.says("Fine.")
    house.hs.mention(room.id, BOB, "and now?")
    house.settle()


def edited_away(house: House, room: Room, source: str) -> None:
    """What it said before is gone from the next prompts, though not a store that never had it."""
    house.hs.redact(room.id, CAROL, source)
    house.hs.say(room.id, CAROL, "something else")


@pytest.mark.parametrize("way", [redacted, expired, opted_out, opted_out_by_profile, edited_away])
def test_what_goes_takes_all_along(house: House, way: Callable[[House, Room, str], None]) -> None:
    room = house.room(BOB, CAROL)
    if way is expired:
        house.hs.put(room.id, ALICE, "m.room.retention", {"max_lifetime": 3_600_000}, "")
    house.model.answer = repeating
    source = house.hs.say(room.id, CAROL, f"take the {WORD} from https://example.org/{WORD}")
    house.hs.say(room.id, CAROL, f"please order a {WORD}") if way is not redacted and way is not edited_away else None
    house.hs.react(room.id, ALICE, source, "📌")
    everything(house, room, ALICE, source)
    assert in_stores(house) == []  # proposals, too, are known by their IDs alone
    assert proposed(house, room) != []
    assert any(WORD in text for text in house.texts(room))
    way(house, room, source)
    house.settle()
    assert proposed(house, room) == []
    assert in_stores(house) == []
    house.model.prompts.clear()
    house.says("Fine.")
    everything(house, room, ALICE, house.hs.say(room.id, BOB, "nothing to see"))
    asked = [prompt for prompt in house.model.prompts if WORD in prompt]
    assert len(house.model.prompts) >= 6
    assert asked == []


def test_what_was_said_of_it_is_redacted_edits_and_all(house: House) -> None:
    room = house.room(BOB, CAROL)
    source = house.hs.say(room.id, CAROL, f"it is a {WORD}")
    say = Say(pieces=[f"{WORD} and more words "], seconds=0.1, never_ends=True)
    house.says(say)
    house.hs.mention(room.id, BOB, "tell")
    house.deliver()
    house.loop.until(lambda: len([event for event in room.by(ME) if WORD in str(event["content"])]) >= 2)
    say.never_ends = False
    house.settle()
    house.loop.until(house.built.assistant.is_idle)
    house.hs.redact(room.id, CAROL, source)
    house.settle()
    assert [event for event in room.by(ME) if WORD in str(event["content"])] == []


@pytest.mark.parametrize("way", ["asker leaves", "assistant leaves", "off"])
def test_leaving_and_turning_off(house: House, way: str) -> None:
    room = house.room(BOB, CAROL)
    house.model.answer = repeating
    source = house.hs.say(room.id, CAROL, f"take the {WORD}")
    everything(house, room, BOB, source)
    assert in_stores(house) == []
    assert proposed(house, room) != []
    if way == "asker leaves":
        house.hs.leave(room.id, BOB)
    elif way == "assistant leaves":
        house.hs.leave(room.id, ME)
        house.hs.outbox.append(room.state["m.room.member", ME])
    else:
        house.hs.say(room.id, ALICE, "!ai off")
    house.settle()
    assert proposed(house, room) == []
    assert in_stores(house) == []
    house.says("Fine.")
    asked = len(house.model.prompts)
    house.hs.mention(room.id, BOB, "what now?")
    house.settle()
    assert WORD not in "".join(house.model.prompts[asked:])


def test_answers_of_a_former_time_are_not_read_again(house: House) -> None:
    """Off and on again: of what was said before nobody knows from where it came."""
    room = house.room(BOB)
    house.says(f"It is a {WORD}.")
    house.hs.mention(room.id, BOB, "what is it?")
    house.settle()
    house.hs.say(room.id, ALICE, "!ai off")
    house.settle()
    house.hs.say(room.id, ALICE, "!ai on")
    house.hs.mention(room.id, BOB, "and now?")
    house.settle()
    assert WORD not in house.model.prompts[-1]


def test_who_opted_out_sends_nothing_of_their_own(house: House) -> None:
    room = house.room(BOB)
    house.hs.say(room.id, BOB, "!ai optout")
    house.hs.mention(room.id, BOB, f"what is a {WORD}?")
    house.settle()
    assert house.model.prompts == []
    assert "opted out" in house.texts(room)[-1]
    house.hs.say(room.id, BOB, "!ai optin")
    house.hs.mention(room.id, BOB, "what is a rose?")
    house.settle()
    assert len(house.model.prompts) == 1


def test_no_text_in_any_log(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    room = house.room(BOB, CAROL)
    house.model.answer = repeating
    everything(house, room, BOB, house.hs.say(room.id, CAROL, f"take the {WORD}"))
    house.says(Say(status=400))
    house.hs.mention(room.id, BOB, f"and the {WORD}?")
    house.settle()
    logged = [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO or record.name.startswith("appservices")]
    assert logged
    assert not any(WORD in each for each in logged)


def test_a_redaction_while_the_room_is_read(house: House) -> None:
    """The page with it was read already: it is left out of the prompt all the same."""
    room = house.room(BOB, CAROL)
    source = house.hs.say(room.id, CAROL, f"it is a {WORD}")
    house.settle()
    is_told = False

    def tell(method: str, path: str, after: bool) -> bool:
        nonlocal is_told
        if after and path.endswith("/messages") and not is_told:
            is_told = True
            house.built.kit.history.forget(room.id, source)
        return False

    house.hs.freeze = tell
    house.hs.mention(room.id, BOB, "what is it?")
    house.settle()
    assert is_told
    assert WORD not in house.model.prompts[0]


def test_what_lists_and_reminders_say_of_a_task_goes_with_what_it_was_made_of(house: House) -> None:
    room = house.room(BOB, CAROL)
    source = house.hs.say(room.id, CAROL, f"somebody should order a {WORD} by tomorrow")
    house.hs.react(room.id, BOB, source, "📌")
    house.settle()
    for words in ("!tasks", f"!task assign 1 {BOB}"):
        house.hs.say(room.id, BOB, words)
        house.settle()
    house.clock.ahead += 86_400
    house.loop.until(lambda: any("⏰" in event["content"]["body"] for event in room.by(ME)))
    house.loop.turn(0.05)
    assert len([event for event in room.by(ME) if WORD in str(event["content"])]) > 3
    house.hs.redact(room.id, CAROL, source)
    house.settle()
    assert [event for event in room.events if WORD in str(event["content"])] == []
