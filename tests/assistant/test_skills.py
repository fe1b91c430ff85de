"""Each of the other skills, as somebody in the room meets it."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from appservices.assistant.classify import train
from appservices.assistant.classify.classifier import Classifier
from appservices.assistant.classify.train import accuracy, count, divide, read_examples
from appservices.assistant.skills.summary import only_cited
from appservices.assistant.work.code import find_code
from appservices.assistant.work.files import look
from tests.assistant.homeserver import ME
from tests.assistant.house import ALICE, BOB, House


def reply_to(event: str) -> dict[str, object]:
    return {"m.relates_to": {"m.in_reply_to": {"event_id": event}}}


def test_summary_points_to_its_messages(house: House) -> None:
    room = house.room(BOB)
    first = house.hs.say(room.id, ALICE, "we take the red one")
    house.says("- Red it is [1]\n- Invented [99]")
    house.hs.say(room.id, BOB, "!ai summary")
    house.settle()
    text = house.texts(room)[-1]
    assert f"https://matrix.to/#/{room.id}/{first}?via=test" in text
    assert "99" not in text
    assert "Invented" not in text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("In short:\n- one (P/1)\n- two\n3. three (P/2)", "In short:\n- one (P/1)\n3. three (P/2)"),
        ("- one\n- two", ""),
        ("Nothing happened.", "Nothing happened."),
        ("", ""),
    ],
)
def test_points_without_a_message_are_left_out(text: str, kept: str) -> None:
    assert only_cited(text, "P/") == kept


def test_a_summary_that_names_nothing_says_so(house: House) -> None:
    room = house.room(BOB)
    house.hs.say(room.id, ALICE, "we take the red one")
    house.says("Red it is.", "- Red it is\n- Blue it is [77]")
    for text in ("Red it is.\n\n(the model named no messages that say so)", "(the model named no messages that say so)"):
        house.hs.say(room.id, BOB, "!ai summary")
        house.settle()
        assert house.texts(room)[-1] == text


def test_catch_up_since_the_read_marker(house: House) -> None:
    room = house.room(BOB)
    read = house.hs.say(room.id, ALICE, "an old rose")
    house.settle()
    receipt = {"type": "m.receipt", "room_id": room.id, "content": {read: {"m.read": {BOB: {"ts": 1}}}}}
    house.loop.run(house.push(ephemeral=[receipt]))
    house.clock.ahead = 3600
    last = house.hs.say(room.id, ALICE, "a new tulip")
    house.settle()
    receipt["content"] = {last: {"m.read": {BOB: {"ts": 2}}}}  # the client has just shown everything
    house.loop.run(house.push(ephemeral=[receipt]))
    house.hs.say(room.id, BOB, "!ai catchup")
    house.settle()
    assert "tulip" in house.model.prompts[0]
    assert "rose" not in house.model.prompts[0]


def test_actions_become_tasks_when_approved(house: House) -> None:
    room = house.room(BOB)
    source = house.hs.say(room.id, ALICE, "I will order chairs")
    house.says(
        orjson.dumps({"actions": [{"text": "order chairs", "source": 1}, {"text": "invented", "source": 7}], "decisions": []}).decode()
    )
    house.hs.say(room.id, BOB, "!ai actions")
    house.settle()
    assert source in house.texts(room)[0]
    assert "invented" not in " ".join(house.texts(room))
    proposal = next(event for event in room.by(ME) if "chat.chatme.proposal" in event["content"])
    house.hs.react(room.id, ALICE, proposal["event_id"], "👍")  # it was not she who asked
    house.settle()
    assert room.by(ME, "chat.chatme.task") == []
    house.hs.react(room.id, BOB, proposal["event_id"], "👍")
    house.settle()
    house.hs.react(room.id, BOB, proposal["event_id"], "👍")
    house.settle()
    assert len(room.by(ME, "chat.chatme.task")) == 1


def test_topic_changes_when_approved_by_who_may(house: House) -> None:
    room = house.room(BOB)
    house.hs.say(room.id, BOB, "!ai topic Roses")
    house.settle()
    assert "those who may" in house.texts(room)[-1]
    house.hs.say(room.id, ALICE, "!ai topic Roses")
    house.settle()
    assert ("m.room.topic", "") not in room.state
    proposal = next(event for event in room.by(ME) if "chat.chatme.proposal" in event["content"])
    house.hs.react(room.id, ALICE, proposal["event_id"], "👍")
    house.settle()
    assert room.state["m.room.topic", ""]["content"] == {"topic": "Roses"}


def test_an_approval_may_come_before_the_proposal_is_known_to_be_sent(house: House) -> None:
    room = house.room(BOB)
    house.hs.freeze = lambda method, path, after: after and method == "PUT" and "/send/m.room.message/" in path
    house.hs.say(room.id, ALICE, "!ai topic Roses")
    house.deliver()
    house.loop.until(lambda: bool(house.hs.withheld))
    proposal = next(event for event in room.by(ME) if "chat.chatme.proposal" in event["content"])
    for person in (BOB, ALICE):
        house.hs.react(room.id, person, proposal["event_id"], "👍")
        house.deliver()
    assert ("m.room.topic", "") not in room.state
    house.hs.freeze = lambda _method, _path, _after: False
    house.hs.release()
    house.settle()
    house.loop.until(house.built.assistant.is_idle)
    assert room.state["m.room.topic", ""]["content"] == {"topic": "Roses"}


def test_people_may_agree_with_each_other_while_something_is_proposed(house: House) -> None:
    room = house.room(BOB)
    said = house.hs.say(room.id, BOB, "Roses are best")
    house.hs.freeze = lambda method, path, after: after and method == "PUT" and "/send/m.room.message/" in path
    house.hs.say(room.id, ALICE, "!ai topic Roses")
    house.deliver()
    house.loop.until(lambda: bool(house.hs.withheld))
    house.hs.react(room.id, ALICE, said, "👍")
    house.deliver()
    house.hs.freeze = lambda _method, _path, _after: False
    house.hs.release()
    house.loop.until(house.built.assistant.is_idle)
    assert ("m.room.topic", "") not in room.state
    assert len(house.texts(room)) == 1


def test_category_with_a_space(house: House) -> None:
    space = house.room(kind="m.space", on=False)
    room = house.room(BOB)
    house.says(orjson.dumps({"category": "Garden", "topic": "", "space": space.id}).decode())
    house.hs.say(room.id, ALICE, "!ai category")
    house.settle()
    assert ("m.space.child", room.id) not in space.state
    proposal = next(event for event in room.by(ME) if "chat.chatme.proposal" in event["content"])
    house.hs.react(room.id, ALICE, proposal["event_id"], "👍")
    house.settle()
    assert space.state["m.space.child", room.id]["content"]["suggested"] is True
    assert room.state["chat.chatme.category", ""]["content"]["category"] == "Garden"


def test_code_is_found_named_and_formatted(house: House) -> None:
    room = house.room(BOB)
    house.hs.say(room.id, ALICE, "!ai watch code")
    house.settle()
    house.hs.say(room.id, BOB, "this fails:\ndef add(a, b):\n    return a <b> + b\n\nprint(add(1, 2))\nany idea")
    house.hs.say(room.id, BOB, "and this is plain chatter about code")
    house.settle()
    content = room.by(ME)[-1]["content"]
    assert content["chat.chatme.code"]["language"] == "python"
    assert '<pre><code class="language-python">def add(a, b):' in content["formatted_body"]
    assert "&lt;b&gt;" in content["formatted_body"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("SELECT name FROM users\nWHERE age > 3\nORDER BY name;", "sql"),
        ('fn main() {\n    let mut x = 1;\n    println!("{}", x);\n}', "rust"),
        ("const a = 1;\nfunction f() {\n  return a;\n}", "javascript"),
        ("we met yesterday\nand talked a while;\nit was nice", None),
        ("```\ndef f():\n    pass\n```", None),
    ],
)
def test_languages(text: str, language: str | None) -> None:
    found = find_code(text)
    assert (found.language if found else None) == language


def test_links_back_and_lists(house: House) -> None:
    room = house.room(BOB)
    house.hs.say(room.id, ALICE, "!ai watch links")
    house.settle()
    first = house.hs.say(room.id, ALICE, "see https://example.org/plan and PROJ-12")
    house.settle()
    again = house.hs.say(room.id, BOB, "PROJ-12 is done")
    house.settle()
    note = room.by(ME)[-1]["content"]
    assert note["m.relates_to"] == {"rel_type": "m.reference", "event_id": again}
    assert note["chat.chatme.links"]["resources"] == [{"resource": "PROJ-12", "event_id": first}]
    house.hs.say(room.id, BOB, "!ai resources")
    house.settle()
    listed = house.texts(room)[-1]
    assert "https://example.org/plan" in listed
    assert f"{room.id}/{first}" in listed


def test_files(house: House) -> None:
    room = house.room(BOB)
    house.hs.files["x"] = b"MZ\x90\x00" + b"\x00" * 100
    file = {"msgtype": "m.file", "url": "mxc://test/x", "info": {"mimetype": "image/png"}}
    sent = house.hs.say(room.id, ALICE, "cat.png", **file)
    house.hs.say(room.id, BOB, "!ai file", **reply_to(sent))
    house.settle()
    assert "not what it says" in house.texts(room)[-1]
    house.hs.files["y"] = b"name,age\nRose,3\nTulip,4\n"
    sent = house.hs.say(room.id, ALICE, "a.csv", msgtype="m.file", url="mxc://test/y", info={"mimetype": "text/csv"})
    house.says("Flowers and ages.")
    house.hs.say(room.id, BOB, "!ai file", **reply_to(sent))
    house.settle()
    assert "columns: name, age" in house.texts(room)[-2]
    assert house.texts(room)[-1] == "Flowers and ages."
    assert look(b"\x89PNG\r\n\x1a\n", "image/png").differs is False


def test_translation_suggestions_and_kinds(house: House) -> None:
    room = house.room(BOB)
    source = house.hs.say(room.id, ALICE, "Where is the documentation?")
    house.says("Wo ist die Dokumentation?", '{"replies": ["Here.", "No idea.", "In the wiki."]}')
    house.hs.say(room.id, BOB, "!ai translate to German", **reply_to(source))
    house.settle()
    assert house.texts(room)[-1] == "Wo ist die Dokumentation?"
    house.hs.say(room.id, BOB, "!ai suggest")
    house.settle()
    assert house.texts(room)[-1] == "1. Here.\n2. No idea.\n3. In the wiki."
    house.hs.say(room.id, BOB, "!ai classify", **reply_to(source))
    house.settle()
    assert house.texts(room)[-1] == "That is: question."


def test_the_language_model_refines_what_is_not_clear(house: House) -> None:
    room = house.room(BOB)
    source = house.hs.say(room.id, ALICE, "Hm")
    house.says("Task.", "nonsense")
    for kind in ("task", Classifier().classify("Hm").label):
        house.hs.say(room.id, BOB, "!ai classify", **reply_to(source))
        house.settle()
        assert house.texts(room)[-1] == f"That is: {kind}."
    assert len(house.model.prompts) == 2


@pytest.mark.parametrize(("key", "words"), [("📝", "Summarise"), ("🌐", "Translate"), ("💡", "Suggest three")])
def test_reactions_ask_too(house: House, key: str, words: str) -> None:
    room = house.room(BOB)
    source = house.hs.say(room.id, ALICE, "Wo ist die Dokumentation?")
    house.hs.react(room.id, BOB, source, key)
    house.hs.react(room.id, BOB, source, "😀")
    house.settle()
    assert [words in prompt for prompt in house.model.prompts] == [True]
    assert room.by(ME)[-1]["content"]["m.relates_to"]["event_id"] == source


def test_the_classifier_on_text_held_out() -> None:
    learned, held = divide(read_examples())
    share = accuracy(count(learned), held)
    print(f"right on {share:.1%} of {len(held)} held out")
    assert share > 0.93
    stored = orjson.loads((Path(train.__file__).parent / "counts.json").read_bytes())
    again = count(learned)
    assert (again.messages, again.seen) == (stored["messages"], stored["seen"])  # what is shipped is what this figure is of
    assert Classifier().classify("x", "m.file").label == "file"


def test_without_a_model(build: Callable[..., House]) -> None:
    house = build(has_model=False)
    room = house.room(BOB)
    house.hs.say(room.id, ALICE, "Please send the invoice to the customer")
    house.hs.say(room.id, BOB, "!ai actions")
    house.settle()
    assert "send the invoice" in house.texts(room)[-1]
    house.hs.say(room.id, BOB, "!ai help")
    house.settle()
    assert "(with a language model I could translate messages)" in house.texts(room)[-1]


def test_replies_to_the_message_that_was_reacted_to(house: House) -> None:
    room = house.room(BOB)
    house.says('{"replies": ["Yes", "No", "Later"]}')
    early = house.hs.say(room.id, ALICE, "who waters the plants?")
    for number in range(20):
        house.hs.say(room.id, ALICE, f"chatter {number}")
    near = house.hs.say(room.id, ALICE, "who feeds the cat?")
    house.hs.say(room.id, ALICE, "and now for something else")
    for event, words in ((early, "who waters the plants?"), (near, "who feeds the cat?")):
        house.hs.react(room.id, BOB, event, "💡")
        house.settle()
        messages = house.model.requests[-1]["messages"]
        [line] = [line for line in messages[1]["content"].split("\n") if words in line]
        assert f"Replies to message {orjson.loads(line)['number']}." in messages[-1]["content"]
