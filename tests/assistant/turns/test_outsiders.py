"""What people in rooms may bring about, by accident or on purpose: nobody stops the others, and nobody reaches into another room."""

from collections.abc import Callable
from typing import Any

import pytest

from appservices.assistant.matrix.errors import Unreachable
from tests.assistant.homeserver import ME, No, Room
from tests.assistant.house import ALICE, BOB, CAROL, House
from tests.assistant.scripted_model import Say


def test_a_direct_chat_that_it_was_thrown_out_of_holds_nobody_up(house: House) -> None:
    """A third one joins and the assistant is removed, before it hears of either."""
    room = house.room(BOB)
    direct = house.hs.create(CAROL)
    house.hs.invite_assistant(direct.id, CAROL, direct=True)
    house.settle()
    house.hs.join(direct.id, "@dave:test")
    house.hs.join(direct.id, "@eve:test")
    house.hs.leave(direct.id, ME)
    house.hs.mention(room.id, BOB, "hello")
    house.settle()
    assert house.texts(room) == ["Fine."]


def test_what_the_homeserver_always_says_no_to_holds_nobody_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    room = house.room(BOB, CAROL)
    serve = house.hs._in_room

    def strict(method: str, room: Room, path: list[str], request: Any, body: bytes) -> Any:
        if path == ["event", "no ID"]:
            raise No(400, "M_INVALID_PARAM")
        return serve(method, room, path, request, body)

    monkeypatch.setattr(house.hs, "_in_room", strict)
    house.says(Say(pieces=["word "], seconds=0.1, never_ends=True))
    house.hs.mention(room.id, BOB, "hello")
    house.deliver()
    house.loop.until(lambda: bool(house.texts(room)))
    house.hs.react(room.id, BOB, "no ID", "🛑")
    house.hs.say(room.id, CAROL, "!ai help")
    house.deliver()
    house.hs.say(room.id, BOB, "!ai stop")
    house.settle()
    assert any("summary" in text for text in house.texts(room))


def test_a_redaction_in_another_room_takes_nothing_back(house: House) -> None:
    """Another server may name any event in its own room's redaction."""
    room, other = house.room(BOB), house.room(CAROL)
    asked = house.hs.say(room.id, BOB, "!task paint the fence")
    house.settle()
    task = room.by(ME, "chat.chatme.task")[0]["event_id"]
    house.hs.mention(room.id, BOB, "hello")
    house.settle()
    for event in (asked, task):
        house.hs.put(other.id, CAROL, "m.room.redaction", {"redacts": event}, redacts=event)
    house.settle()
    assert [each.event for each in house.built.kit.things.tasks(room.id)] == [task]


def test_times_that_no_calendar_knows(house: House) -> None:
    """A server may say that an event is of any time."""
    room = house.room(BOB)
    for at in (-(2**53), 2**53 - 1):
        house.hs.say(room.id, ALICE, "roses are nice")
        room.events[-1]["origin_server_ts"] = at
    house.hs.mention(room.id, BOB, "what was said?")
    house.settle()
    assert house.texts(room) == ["Fine."]
    house.hs.say(room.id, BOB, "!ai summary")
    house.settle()
    assert len(house.texts(room)) == 2


def test_a_room_of_many_is_no_direct_chat_whatever_the_invitation_says(house: House) -> None:
    room = house.hs.create(ALICE, BOB, CAROL)
    house.hs.invite_assistant(room.id, ALICE, direct=True)
    house.settle()
    house.hs.say(room.id, ALICE, "!ai on")
    house.settle()
    house.hs.say(room.id, BOB, "lunch, anybody?")
    house.settle()
    assert house.model.prompts == []


def test_a_table_that_cannot_be_read_is_a_file_all_the_same(house: House) -> None:
    room = house.room(BOB)
    house.hs.files["table"] = b"a,b\rc,d\n1,2\n3,4\n"
    content = {"msgtype": "m.file", "url": "mxc://test/table", "info": {"mimetype": "text/csv"}}
    file = house.hs.say(room.id, ALICE, "table.csv", **content)
    house.hs.say(room.id, BOB, "!ai file", **{"m.relates_to": {"m.in_reply_to": {"event_id": file}}})
    house.settle()
    assert any("text/csv" in text for text in house.texts(room))


def test_what_a_transaction_brings_again_costs_nobody_a_turn(build: Callable[..., House], monkeypatch: pytest.MonkeyPatch) -> None:
    """The homeserver is away while the last event is looked at, so all of it comes again, five times."""
    house = build(turns_a_minute=3)
    room = house.room(BOB)
    house.hs.mention(room.id, BOB, "hello")
    house.hs.put(room.id, ALICE, "chat.chatme.ai.settings", {"enabled": True}, "")
    events, house.hs.outbox = house.hs.outbox, []
    may_decide = house.built.kit.consent.may_decide

    async def away(room: str, user: str) -> bool:
        raise Unreachable("no answer")

    monkeypatch.setattr(house.built.kit.consent, "may_decide", away)
    for _ in range(5):
        assert house.loop.run(house.push(txn="the-one", events=events)) == 500
    monkeypatch.setattr(house.built.kit.consent, "may_decide", may_decide)
    assert house.loop.run(house.push(txn="the-one", events=events)) == 200
    house.loop.until(house.built.assistant.is_idle)
    assert house.texts(room) == ["Fine."]


def test_who_may_not_turn_it_on_is_not_heard_again_and_again(build: Callable[..., House]) -> None:
    house = build(turns_a_minute=3)
    room = house.room(BOB, on=False)
    for _ in range(10):
        house.hs.say(room.id, BOB, "!ai on")
    house.settle()
    assert len(house.built.assistant._file.rows("SELECT 1 FROM turns WHERE sender = ?", (BOB,))) == 3
