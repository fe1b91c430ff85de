"""A homeserver, or what stands before it, that says for a long time that it cannot answer: nothing is lost, nothing is done twice."""

from typing import Any

import pytest

from appservices.assistant.matrix.client import Homeserver
from tests.assistant.homeserver import ME, No, Room
from tests.assistant.house import ALICE, BOB, House


def rests(house: House) -> bool:
    """Every attempt was in vain, and the turn waits."""
    return bool(house.built.assistant._runner._resting)


def tries(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """So often each request is made before it is in vain."""
    ask: Any = Homeserver.ask
    monkeypatch.setitem(ask.__kwdefaults__, "attempts", count)


def answers(room: Room) -> list[str]:
    return [event["content"]["body"] for event in room.by(ME) if event["content"].get("chat.chatme.turn", {}).get("key") == "answer"]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_an_answer_that_cannot_be_sent_is_kept_until_it_can(house: House, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be read there, say, but its disk is full: the model is not asked again and again meanwhile."""
    room = house.room(BOB)
    serve = house.hs._in_room

    def full(method: str, room: Room, path: list[str], request: Any, body: bytes) -> Any:
        if path[:1] == ["send"]:
            raise No(status, "M_UNKNOWN")
        return serve(method, room, path, request, body)

    monkeypatch.setattr(house.hs, "_in_room", full)
    tries(monkeypatch, 2)
    house.hs.mention(room.id, BOB, "hello")
    house.deliver()
    for _ in range(2):
        house.loop.until(lambda: rests(house))
        house.loop.until(lambda: not rests(house))
    monkeypatch.setattr(house.hs, "_in_room", serve)
    house.loop.until(house.built.assistant.is_idle)
    assert answers(room) == ["Fine."]
    assert len(house.model.prompts) == 1


def test_nothing_answers_for_longer_than_anybody_tries(house: House) -> None:
    room = house.room(BOB)
    house.hs.mention(room.id, BOB, "hello")
    house.hs.say(room.id, BOB, "!task paint the fence")
    house.deliver()
    house.hs.is_down = True
    house.loop.until(lambda: rests(house))
    house.hs.is_down = False
    house.loop.until(house.built.assistant.is_idle)
    assert answers(room) == ["Fine."]
    assert len(room.by(ME, "chat.chatme.task")) == 1


def test_a_redaction_is_brought_until_it_was_followed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    room = house.room(BOB)
    asked = house.hs.mention(room.id, BOB, "hello")
    house.settle()
    assert answers(room) == ["Fine."]
    tries(monkeypatch, 2)
    house.hs.redact(room.id, BOB, asked)
    events, house.hs.outbox = house.hs.outbox, []
    house.hs.is_down = True
    assert house.loop.run(house.push(txn="the-one", events=events)) == 500
    house.hs.is_down = False
    assert house.loop.run(house.push(txn="the-one", events=events)) == 200
    assert answers(room) == []


def test_a_reminder_waits(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    room = house.room(BOB)
    house.hs.say(room.id, ALICE, "!task water the plants due in 2 hours")
    house.settle()
    tries(monkeypatch, 1)
    house.hs.is_down = True
    house.clock.ahead += 2 * 3600 + 60
    before = len(house.hs.requests)
    house.loop.until(lambda: len(house.hs.requests) > before)
    house.loop.turn(0.2)
    house.hs.is_down = False
    house.loop.until(lambda: any("⏰" in event["content"]["body"] for event in room.by(ME)))


def test_whose_own_server_is_away_is_unread_and_ours_is_waited_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    room = house.room(BOB, "@dave:elsewhere")
    house.hs.say(room.id, ALICE, "a rose")
    house.hs.say(room.id, "@dave:elsewhere", "a tulip")
    house.hs.outbox.clear()
    serve, away = house.hs._serve, ["@alice:test", "@dave:elsewhere"]

    def answer(method: str, path: list[str], request: Any) -> Any:
        if path[:2] == ["v3", "profile"] and path[2] in away:
            raise No(502, "M_UNKNOWN")
        return serve(method, path, request)

    monkeypatch.setattr(house.hs, "_serve", answer)
    house.hs.mention(room.id, BOB, "which flowers?")
    house.deliver()
    house.loop.until(lambda: rests(house))
    away.remove(ALICE)
    house.loop.until(house.built.assistant.is_idle)
    assert "a rose" in house.model.prompts[0]
    assert "a tulip" not in house.model.prompts[0]
