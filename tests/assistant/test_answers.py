"""Answers: growing, stopped, long, and what becomes of models that misbehave."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.assistant.homeserver import ME, Json, Room
from tests.assistant.house import ALICE, BOB, CAROL, House
from tests.assistant.loop import A_SECOND
from tests.assistant.scripted_model import Say


def sent(room: Room) -> list[Json]:
    """After the greeting."""
    return [event for event in room.by(ME) if "chat.chatme.turn" in event["content"]][1:]


def test_grows_by_few_edits(house: House) -> None:
    room = house.room(BOB)
    say = Say(pieces=["word " * 5], seconds=0.05, never_ends=True)
    house.says(say)
    house.hs.mention(room.id, BOB, "tell")
    house.deliver()
    house.loop.until(lambda: len(sent(room)) >= 3 and len(say.said) >= 60 * len(say.pieces[0]))
    say.never_ends = False
    house.loop.until(house.built.assistant.is_idle)
    assert len(sent(room)) <= 20
    assert house.texts(room) == [say.said.strip()]


def test_stopped_within_a_second(house: House) -> None:
    room = house.room(BOB)
    house.says(Say(pieces=["word " * 12], seconds=0.05, never_ends=True))
    house.hs.mention(room.id, BOB, "tell")
    house.deliver()
    house.loop.until(lambda: bool(house.texts(room)))
    house.hs.react(room.id, ALICE, room.by(ME)[-1]["event_id"], "🛑")  # not hers to stop
    house.deliver()
    house.loop.turn(0.3)
    assert not house.built.assistant.is_idle()
    house.hs.react(room.id, BOB, room.by(ME)[-1]["event_id"], "🛑")
    first = next(
        event for event in room.by(ME) if "chat.chatme.turn" in event["content"] and event["content"]["chat.chatme.turn"]["key"] == "answer"
    )
    house.hs.react(room.id, BOB, first["event_id"], "🛑")
    house.deliver()
    house.loop.until(house.built.assistant.is_idle, A_SECOND)
    assert house.texts(room)[0].endswith("(stopped)")
    house.loop.until(lambda: house.model.cut == 1, A_SECOND)


@pytest.mark.parametrize("who", [BOB, ALICE])
def test_a_stop_may_come_before_the_answer_is_known_to_be_sent(house: House, who: str) -> None:
    room = house.room(BOB)
    house.says(Say(pieces=["word " * 12], seconds=0.05, never_ends=True))
    house.hs.freeze = lambda method, path, after: after and method == "PUT" and "/send/m.room.message/" in path
    house.hs.mention(room.id, BOB, "tell")
    house.deliver()
    house.loop.until(lambda: bool(house.hs.withheld))
    house.hs.react(room.id, who, room.by(ME)[-1]["event_id"], "🛑")
    house.deliver()
    house.hs.freeze = lambda _method, _path, _after: False
    house.hs.release()
    if who == ALICE:  # not hers to stop
        house.loop.turn(0.3)
        assert not house.built.assistant.is_idle()
        return
    house.loop.until(house.built.assistant.is_idle, A_SECOND)
    assert house.texts(room)[0].endswith("(stopped)")


def test_long_answers_are_split_longer_ones_attached(build: Callable[..., House]) -> None:
    house = build(model={"answer_tokens": 50_000})
    room = house.room(BOB)
    paragraph = "A sentence of some words. " * 20
    house.says("\n\n".join([paragraph] * 40), "\n\n".join([paragraph] * 200))
    house.hs.mention(room.id, BOB, "tell")
    house.settle()
    assert 2 <= len(house.texts(room)) <= 4
    house.hs.mention(room.id, BOB, "tell more")
    house.settle()
    assert [len(data) > 50_000 for data in house.hs.files.values()] == [True]


@pytest.mark.parametrize(
    "say",
    [
        Say(status=500),
        Say(status=400),
        Say(raw=b"data: {broken\n\n"),
        Say(raw=b"\x00\xff" * 1000),
        Say(raw=b""),
        Say("x" * 3_000_000),
        Say("", usage=None),
    ],
)
def test_a_model_that_misbehaves(house: House, say: Say) -> None:
    room = house.room(BOB)
    house.says(say)
    house.hs.mention(room.id, BOB, "hello")
    house.deliver()
    for _ in range(100):
        house.loop.turn(0.1)
        house.clock.ahead += 1
        if house.built.assistant.is_idle():
            break
    house.settle()
    assert len(house.texts(room)) >= 1
    assert sum(len(text) for text in house.texts(room)) < 60_000


def test_a_model_that_hangs_keeps_nobody_waiting(house: House) -> None:
    room, other = house.room(BOB), house.room(BOB)
    house.says(Say(hangs=True))
    house.hs.mention(room.id, BOB, "hello")
    house.deliver()
    house.hs.say(other.id, ALICE, "!task paint the fence")
    house.deliver()
    house.loop.until(lambda: any("paint" in text for text in house.texts(other)), 5.0)


@pytest.mark.parametrize("status", [401, 404])
def test_the_breaker_opens_and_closes(house: House, status: int) -> None:
    room = house.room(BOB, ALICE)
    house.says(Say(status=status))
    for _ in range(5):
        house.hs.mention(room.id, BOB, "hello")
        house.clock.ahead += 5
        house.settle()
    assert len(house.model.prompts) == 3
    house.clock.ahead += 60
    house.says("I am back.")
    house.hs.mention(room.id, BOB, "hello")
    house.settle()
    assert house.texts(room)[-1] == "I am back."


@pytest.mark.parametrize("status", [400, 500])
def test_what_the_model_takes_amiss_in_one_room_silences_no_other(house: House, status: int) -> None:
    """There are models that break over what one room asks; that room is left alone for a while."""
    room, other = house.room(BOB), house.room(CAROL)
    house.model.answer = lambda request: Say(status=status) if "odd" in str(request["messages"]) else Say("Fine.")
    for _ in range(5):
        house.hs.mention(room.id, BOB, "odd")
        house.clock.ahead += 5
        house.settle()
    house.hs.mention(other.id, CAROL, "hello")
    house.settle()
    assert house.texts(other) == ["Fine."]


def test_a_question_that_could_not_be_asked_leaves_the_breaker_as_it_was(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full in the moment in which it is tried whether the model is back."""
    room = house.room(BOB)
    language: Any = house.built.kit.language
    house.says(Say(status=401))
    for _ in range(3):
        house.hs.mention(room.id, BOB, "hello")
        house.clock.ahead += 4
        house.settle()
    assert language._breakers.is_open(room.id)
    house.clock.ahead += 60
    house.says("I am back.")
    with monkeypatch.context() as patch:
        patch.setattr(language.purse, "reserve", lambda *_: 1 / 0)
        house.hs.mention(room.id, BOB, "hello")
        house.settle()
    house.clock.ahead += 5
    house.hs.mention(room.id, BOB, "hello")
    house.settle()
    assert house.texts(room)[-1] == "I am back."


def test_without_a_model_it_says_what_one_would_add(build: Callable[..., House]) -> None:
    house = build(has_model=False)
    room = house.room(BOB)
    house.hs.mention(room.id, BOB, "hello")
    house.hs.say(room.id, BOB, "!ai summary")
    house.hs.say(room.id, BOB, "!task paint the fence")
    house.settle()
    assert "No language model" in house.texts(room)[0]
    assert any("☐ Task 1: paint the fence" in text for text in house.texts(room))


def test_halves_of_characters(house: House) -> None:
    """There are models that send an emoji in two halves, or half of one."""
    room = house.room(BOB)
    pieces = [r"All is well and nothing is wrong here at all, as you see \ud83d", r"\ude00 and that is it \ud83d"]
    head = '"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"'
    chunks = [f'data: {{{head}, "choices": [{{"index": 0, "delta": {{"content": "{piece}"}}}}]}}' for piece in pieces]
    used = '"usage": {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}'
    chunks += [f'data: {{{head}, "choices": [], {used}}}', "data: [DONE]", ""]
    house.says(Say(raw="\n\n".join(chunks).encode()))
    house.hs.mention(room.id, BOB, "hello")
    house.settle()
    [answer] = house.texts(room)
    assert answer.startswith("All is well and nothing is wrong here at all, as you see 😀 and that is it")
