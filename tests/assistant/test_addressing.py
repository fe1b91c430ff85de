"""What sets it off, and what does not."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.assistant.homeserver import ME
from tests.assistant.house import ALICE, BOB, House


@pytest.mark.parametrize(
    ("content", "answered"),
    [
        ({"body": "plain chatter"}, False),
        ({"body": "the assistant is nice"}, False),
        ({"body": "hello", "m.mentions": {"user_ids": [ME]}}, True),
        ({"body": f"{ME}: hello"}, True),
        ({"body": f"{ME}x hello"}, False),
        (
            {
                "body": "hello",
                "format": "org.matrix.custom.html",
                "formatted_body": f'<a href="https://matrix.to/#/{ME}">Assistant</a> hello',
            },
            True,
        ),
        ({"body": "!ai what is this"}, True),
        ({"body": "!aikido tonight"}, False),
        ({"body": "hello", "m.mentions": {"user_ids": [ME]}, "msgtype": "m.notice"}, False),
        ({"body": "hello", "m.mentions": {"user_ids": [ME]}, "m.bounce_limit": 0}, False),
        ({"body": "* hello", "m.mentions": {"user_ids": [ME]}, "m.relates_to": {"rel_type": "m.replace", "event_id": "$x"}}, False),
    ],
)
def test_spoken_to_or_not(house: House, content: dict[str, Any], answered: bool) -> None:
    room = house.room(BOB)
    house.hs.put(room.id, BOB, "m.room.message", {"msgtype": "m.text"} | content)
    house.settle()
    assert house.texts(room) == (["Fine."] if answered else [])


def test_a_reply_to_it_and_not_to_others(house: House) -> None:
    room = house.room(BOB)
    house.hs.mention(room.id, BOB, "hello")
    house.settle()
    answer = room.by(ME)[-1]["event_id"]
    house.hs.say(room.id, BOB, "and more?", **{"m.relates_to": {"m.in_reply_to": {"event_id": answer}}})
    other = house.hs.say(room.id, ALICE, "something")
    house.hs.say(room.id, BOB, "what?", **{"m.relates_to": {"m.in_reply_to": {"event_id": other}}})
    house.settle()
    assert len(house.texts(room)) == 2


def test_two_people_are_not_a_direct_chat(house: House) -> None:
    room = house.room()
    house.hs.say(room.id, ALICE, "talking to myself")
    house.settle()
    assert house.texts(room) == []


def test_a_direct_chat_is_one(house: House) -> None:
    room = house.hs.create(ALICE)
    house.hs.invite_assistant(room.id, ALICE, direct=True)
    house.settle()
    house.hs.say(room.id, ALICE, "!ai on")
    house.settle()
    house.hs.say(room.id, ALICE, "hello")
    house.settle()
    assert house.texts(room) == ["Fine."]


def test_other_bots_are_not_answered(build: Callable[..., House]) -> None:
    house = build(other_bots=("@bot:test",))
    room = house.room("@bot:test")
    house.hs.mention(room.id, "@bot:test", "hello")
    house.settle()
    assert house.texts(room) == []


def test_two_bots_stop(house: House) -> None:
    """An unknown bot answers each answer at once."""
    room = house.room("@unknown:test")
    for _ in range(10):
        house.hs.mention(room.id, "@unknown:test", "and you?")
        house.settle()
    assert len(house.texts(room)) == 3


def test_answers_are_in_a_thread_and_mention_nobody_else(house: House) -> None:
    room = house.room(BOB)
    asked = house.hs.mention(room.id, BOB, "hello")
    house.settle()
    content = room.by(ME)[-1]["content"]
    assert content["m.relates_to"]["rel_type"] == "m.thread"
    assert content["m.relates_to"]["event_id"] == asked
    assert content["msgtype"] == "m.notice"
    assert content["m.mentions"] == {}
    assert content["m.bounce_limit"] == 0  # sets off no bot that keeps to it


def test_no_more_turns_than_a_person_needs(build: Callable[..., House]) -> None:
    house = build(turns_a_minute=2)
    room = house.room(BOB)
    for _ in range(4):
        house.hs.say(room.id, BOB, "!ai help")
    house.settle()
    assert len(house.texts(room)) == 2


def test_a_wrong_token_is_refused(house: House) -> None:
    room = house.room(BOB)
    house.hs.mention(room.id, BOB, "hello")
    assert house.loop.run(house.push(token="wrong")) == 403
    assert house.texts(room) == []
