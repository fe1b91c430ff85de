"""No language model: what needs none works, and everything else says plainly what one would add."""

from collections.abc import Callable

import pytest

from appservices.assistant.skills import SKILLS
from tests.assistant.homeserver import ME, Room
from tests.assistant.house import ALICE, BOB, House

CODE = "this fails:\ndef add(a, b):\n    return a + b\n\nprint(add(1, 2))"


@pytest.fixture
def bare(build: Callable[..., House]) -> House:
    return build(has_model=False)


def about(event: str) -> dict[str, object]:
    return {"m.relates_to": {"m.in_reply_to": {"event_id": event}}}


def said(house: House, room: Room, user: str, words: str, **more: object) -> str:
    before = len(house.texts(room))
    house.hs.say(room.id, user, words, **more)
    house.settle()
    return "\n".join(house.texts(room)[before:])


@pytest.mark.parametrize(
    ("words", "does", "would"),
    [
        ("!ai ask what is this?", "", "answer questions"),
        ("!ai summary", "messages lately, by Alice", "say in a few points what the messages say"),
        ("!ai catchup", "messages", "say in a few points what the messages say"),
        ("!ai actions", "Please send the invoice", "find what was promised and decided"),
        ("!ai suggest", "", "suggest replies"),
        ("!ai translate", "", "translate messages"),
        ("!ai organise", "Say which: topic … or category …", "suggest a category, a topic and a space"),
    ],
)
def test_what_a_model_would_add(bare: House, words: str, does: str, would: str) -> None:
    room = bare.room(BOB)
    source = bare.hs.say(room.id, ALICE, "Please send the invoice to the customer")
    text = said(bare, room, BOB, words, **about(source))
    assert does in text
    assert "No language model is configured here. With one I could" in text
    assert would in text
    assert bare.model.prompts == []


def test_files(bare: House) -> None:
    room = bare.room(BOB)
    bare.hs.files["x"] = b"name,age\nRose,3\nTulip,4\n"
    file = bare.hs.say(room.id, ALICE, "a.csv", msgtype="m.file", url="mxc://test/x", info={"mimetype": "text/csv"})
    text = said(bare, room, BOB, "!ai file", **about(file))
    assert "columns: name, age" in text
    assert "With one I could say what is in a file" in text


def test_kinds(bare: House) -> None:
    room = bare.room(BOB)
    sure = bare.hs.say(room.id, ALICE, "Where is the documentation of the server?")
    unsure = bare.hs.say(room.id, ALICE, "Hm")
    assert said(bare, room, BOB, "!ai classify", **about(sure)) == "That is: question."
    assert "With one I could look again at messages whose kind is not clear" in said(bare, room, BOB, "!ai classify", **about(unsure))


def test_tasks_from_all_that_make_them(bare: House) -> None:
    room = bare.room(BOB)
    assert "Task 1: paint the fence" in said(bare, room, BOB, f"!task paint the fence {BOB} due tomorrow 10:00")
    source = bare.hs.say(room.id, BOB, "somebody should water the plants")
    bare.hs.react(room.id, ALICE, source, "📌")
    bare.settle()
    assert "2. somebody should water the plants" in said(bare, room, BOB, "!tasks")
    assert "☑ Task 1" in said(bare, room, BOB, "!task done 1")


def test_a_meeting_from_poll_to_file(bare: House) -> None:
    room = bare.room(BOB)
    assert "Vote in the poll" in said(bare, room, BOB, "!meet Plans: tomorrow 10:00, tomorrow 12:00")
    assert "📅 Plans" in said(bare, room, BOB, "!meet close")
    assert [data[:15] for data in bare.hs.files.values()] == [b"BEGIN:VCALENDAR"]


def test_code_links_and_lists_by_themselves(bare: House) -> None:
    room = bare.room(BOB)
    said(bare, room, ALICE, "!ai watch code links files")
    bare.hs.say(room.id, BOB, "see https://example.org/plan")
    assert '<pre><code class="language-python">' in str([said(bare, room, BOB, CODE), room.by(ME)[-1]["content"]])
    assert "came up before" in said(bare, room, ALICE, "again: https://example.org/plan")
    bare.hs.files["x"] = b"\x89PNG\r\n\x1a\n"
    assert "image/png" in said(bare, room, BOB, "a.png", msgtype="m.image", url="mxc://test/x", info={"mimetype": "image/png"})
    assert "https://example.org/plan" in said(bare, room, BOB, "!ai resources")


def test_topic_and_category_by_word(bare: House) -> None:
    room = bare.room(BOB)
    for words in ("!ai topic Roses", "!ai category Garden"):
        bare.hs.say(room.id, ALICE, words)
        bare.settle()
    for event in [each for each in room.by(ME) if "chat.chatme.proposal" in each["content"]]:
        bare.hs.react(room.id, ALICE, event["event_id"], "👍")
    bare.settle()
    assert room.state["m.room.topic", ""]["content"]["topic"] == "Roses"
    assert room.state["chat.chatme.category", ""]["content"]["category"] == "Garden"


def test_the_room_is_told_and_so_is_who_asks_for_help(bare: House) -> None:
    room = bare.room(BOB)
    assert any("No language model is used." in event["content"]["body"] for event in room.by(ME))
    help_text = said(bare, room, BOB, "!ai help")
    for skill in SKILLS:
        assert skill.help in help_text
        assert not skill.with_model or f"(with a language model I could {skill.with_model})" in help_text
