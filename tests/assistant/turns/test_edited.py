"""An edit of the request asks anew or takes it back; whoever asked may stop it by reaction or by word."""

from tests.assistant.homeserver import ME, Room
from tests.assistant.house import ALICE, BOB, CAROL, House
from tests.assistant.loop import A_SECOND
from tests.assistant.scripted_model import Say


def edit(house: House, room: Room, user: str, event: str, body: str) -> str:
    new = {"msgtype": "m.text", "body": body}
    return house.hs.say(room.id, user, f"* {body}", **{"m.new_content": new, "m.relates_to": {"rel_type": "m.replace", "event_id": event}})


def test_an_edited_question_is_answered_anew(house: House) -> None:
    room = house.room(BOB)
    house.says("About roses.", "About tulips.")
    asked = house.hs.say(room.id, BOB, "!ai ask about roses")
    house.settle()
    edit(house, room, BOB, asked, "!ai ask about tulips")
    house.settle()
    assert house.texts(room) == ["About tulips."]
    assert "about tulips" in house.model.prompts[1]
    assert "about roses" not in house.model.prompts[1]
    assert room.by(ME)[-1]["content"]["m.relates_to"]["event_id"] == asked


def test_an_edit_that_is_brought_again(house: House) -> None:
    """By a homeserver that counts its transactions anew, and with an older edit behind it."""
    room = house.room(BOB)
    house.says("Roses.", "Tulips.", "Never.")
    asked = house.hs.say(room.id, BOB, "!ai ask about roses")
    house.settle()
    edit(house, room, BOB, asked, "!ai ask about daisies")
    older = house.hs.outbox.pop()
    house.loop.turn(0.002)
    edit(house, room, BOB, asked, "!ai ask about tulips")
    newer = list(house.hs.outbox)
    house.settle()
    for events in (newer, [older]):
        house.loop.run(house.push(events=events))
        house.loop.until(house.built.assistant.is_idle)
    assert house.texts(room) == ["Tulips."]
    assert len(house.model.prompts) == 2


def test_edited_while_it_is_answered(house: House) -> None:
    room = house.room(BOB)
    house.says(Say(pieces=["roses and roses "] * 50, seconds=0.05, never_ends=True), Say("Tulips."))
    asked = house.hs.say(room.id, BOB, "!ai ask about roses")
    house.deliver()
    house.loop.until(lambda: bool(house.texts(room)))
    edit(house, room, BOB, asked, "!ai ask about tulips")
    house.settle()
    assert house.texts(room) == ["Tulips."]
    house.loop.until(lambda: house.model.cut == 1, 2.0)


def test_edited_to_no_question_at_all(house: House) -> None:
    room = house.room(BOB)
    asked = house.hs.say(room.id, BOB, "!ai ask about roses")
    house.settle()
    edit(house, room, BOB, asked, "never mind")
    house.settle()
    assert house.texts(room) == []
    assert len(house.model.prompts) == 1


def test_edits_of_others_and_late_ones_do_nothing(house: House) -> None:
    room = house.room(BOB)
    asked = house.hs.say(room.id, BOB, "!ai ask about roses")
    house.settle()
    edit(house, room, ALICE, asked, "!ai ask about tulips")
    house.settle()
    house.clock.ahead = 3600
    edit(house, room, BOB, asked, "!ai ask about tulips")
    house.settle()
    assert house.texts(room) == ["Fine."]
    assert len(house.model.prompts) == 1


def test_an_edited_task_is_one_task(house: House) -> None:
    room = house.room(BOB)
    asked = house.hs.say(room.id, BOB, "!task pain the fence")
    house.settle()
    edit(house, room, BOB, asked, "!task paint the fence")
    house.settle()
    assert len(house.built.kit.things.tasks(room.id)) == 1
    assert [event["content"]["chat.chatme.task"]["title"] for event in room.by(ME, "chat.chatme.task")] == ["paint the fence"]


def test_what_was_turned_on_is_not_turned_on_again(house: House) -> None:
    room = house.room(BOB)
    said = house.hs.say(room.id, ALICE, "!ai off")
    house.settle()
    edit(house, room, ALICE, said, "!ai on please")
    house.settle()
    assert not house.built.kit.consent.is_on(room.id)


def test_an_edit_after_a_restart(house: House) -> None:
    room = house.room(BOB)
    house.says(Say("Roses."), Say(hangs=True), Say("Tulips."))
    asked = house.hs.say(room.id, BOB, "!ai ask about roses")
    house.settle()
    edit(house, room, BOB, asked, "!ai ask about tulips")
    house.deliver()
    house.loop.until(lambda: len(house.model.prompts) == 2)
    house.stop()
    house.start()
    house.loop.until(house.built.assistant.is_idle)
    assert "about tulips" in house.model.prompts[2]
    assert house.texts(room) == ["Tulips."]


def test_a_redacted_question_that_waits_is_not_asked(house: House) -> None:
    room = house.room(BOB)
    say = Say(pieces=["words "], seconds=0.05, never_ends=True)
    house.says(say)
    house.hs.mention(room.id, BOB, "first")
    second = house.hs.mention(room.id, BOB, "second")
    house.deliver()
    house.hs.redact(room.id, BOB, second)
    house.deliver()
    say.never_ends = False
    house.loop.until(house.built.assistant.is_idle)
    assert len(house.model.prompts) == 1
    assert len(house.texts(room)) == 1


def test_stopped_by_word_with_all_that_waits(house: House) -> None:
    room = house.room(BOB, CAROL)
    house.says(Say(pieces=["word " * 12], seconds=0.05, never_ends=True))
    for words in ("one", "two", "three"):
        house.hs.mention(room.id, BOB, words)
    house.deliver()
    house.loop.until(lambda: bool(house.texts(room)))
    house.hs.say(room.id, CAROL, "!ai stop")  # of hers there is nothing
    house.deliver()
    house.loop.turn(0.2)
    assert not house.built.assistant.is_idle()
    house.hs.say(room.id, BOB, "!ai stop")
    house.deliver()
    house.loop.until(house.built.assistant.is_idle, A_SECOND)
    assert len(house.model.prompts) == 1
    assert [text.endswith("(stopped)") for text in house.texts(room)] == [True]


def test_stopped_by_a_reaction_to_the_question(house: House) -> None:
    room = house.room(BOB)
    house.says(Say(hangs=True))
    asked = house.hs.mention(room.id, BOB, "hello")
    house.deliver()
    house.loop.until(lambda: bool(house.model.prompts))
    house.hs.react(room.id, BOB, asked, "🛑")
    house.deliver()
    house.loop.until(house.built.assistant.is_idle, A_SECOND)
    assert house.texts(room) == ["(stopped)"]


def test_who_left_gets_no_answer(house: House) -> None:
    room = house.room(BOB)
    house.says(Say(pieces=["words and words "], seconds=0.05, never_ends=True))
    house.hs.mention(room.id, BOB, "hello")
    house.deliver()
    house.loop.until(lambda: bool(house.texts(room)))
    house.hs.leave(room.id, BOB)
    house.settle()
    assert house.texts(room) == []


def test_a_direct_chat_of_three_is_none(house: House) -> None:
    room = house.hs.create(ALICE)
    house.hs.invite_assistant(room.id, ALICE, direct=True)
    house.settle()
    house.hs.say(room.id, ALICE, "!ai on")
    house.settle()
    house.hs.join(room.id, BOB)
    house.hs.say(room.id, ALICE, "hello Bob")
    house.settle()
    assert house.texts(room) == []
    house.hs.mention(room.id, BOB, "hello")
    house.settle()
    assert house.texts(room) == ["Fine."]
