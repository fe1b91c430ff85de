"""Off until turned on; off again, and everything is gone."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.assistant.homeserver import ME, No
from tests.assistant.house import ALICE, BOB, House


def test_silent_and_blind_until_turned_on(house: House) -> None:
    room = house.room(BOB, on=False)
    before = len(room.events)
    house.hs.mention(room.id, BOB, "what is this?")
    house.hs.say(room.id, BOB, "!ai help")
    house.hs.say(room.id, BOB, "!ai on")  # without the power
    house.settle()
    assert len(room.events) == before + 3
    assert house.model.prompts == []


def test_the_room_is_told_who_runs_the_model_and_where(house: House) -> None:
    room = house.room(BOB)
    told = " ".join(event["content"]["body"] for event in room.by(ME))
    assert "scripted" in told
    assert "the tests" in told
    assert "here" in told
    assert "I keep IDs, times and counts, never texts" in told
    shown = room.state["chat.chatme.ai.settings", ""]["content"]
    assert (shown["model"], shown["provider"], shown["where"], shown["retention"]) == ("scripted", "the tests", "here", "no text is kept")
    assert room.state["chat.chatme.ai.settings", ""]["content"]["enabled"] is True


def test_turned_on_by_state_event(house: House) -> None:
    room = house.room(BOB, on=False)
    house.hs.put(room.id, ALICE, "chat.chatme.ai.settings", {"enabled": True}, "")
    house.hs.mention(room.id, BOB, "hello")
    house.settle()
    assert house.texts(room) == ["Fine."]


def test_who_may_not_decide_cannot_by_state_event_either(build: Callable[..., House]) -> None:
    house = build(consent_power=60)
    room = house.room(BOB, on=False, powers={BOB: 50})
    house.hs.put(room.id, BOB, "chat.chatme.ai.settings", {"enabled": True}, "")
    house.hs.mention(room.id, BOB, "hello")
    house.settle()
    assert house.model.prompts == []


def test_off_means_purged(house: House) -> None:
    room = house.room(BOB)
    house.hs.say(room.id, BOB, "!task paint the fence")
    house.hs.say(room.id, ALICE, "!ai off")
    house.settle()
    house.hs.mention(room.id, BOB, "still there?")
    house.settle()
    assert house.model.prompts == []
    assert house.built.kit.things.tasks(room.id) == []


def test_who_opted_out_is_in_no_prompt(house: House) -> None:
    room = house.room(BOB)
    house.hs.say(room.id, BOB, "my secret is tulip")
    house.hs.say(room.id, BOB, "!ai optout")
    house.hs.say(room.id, ALICE, "roses are nice")
    house.hs.mention(room.id, ALICE, "what was said?")
    house.settle()
    assert "roses" in house.model.prompts[0]
    assert "tulip" not in "".join(house.model.prompts)


def test_the_profile_may_say_so_too(house: House) -> None:
    room = house.room(BOB)
    house.hs.profiles[BOB] = {"chat.chatme.ai.opt_out": True}
    house.hs.say(room.id, BOB, "my secret is tulip")
    house.hs.mention(room.id, ALICE, "what was said?")
    house.settle()
    assert "tulip" not in "".join(house.model.prompts)


def test_off_is_heard_after_any_outage(house: House) -> None:
    """What else was asked then is not answered any more; who wanted an end to it is not passed over."""
    room = house.room(BOB)
    house.hs.say(room.id, ALICE, "!ai off")
    house.hs.say(room.id, BOB, "!ai optout")
    house.clock.ahead = 3600
    house.settle()
    assert not house.built.kit.consent.is_on(room.id)
    assert house.built.kit.consent.is_out(BOB)


def test_off_where_it_may_not_speak(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    room = house.room(BOB)

    def muted(*_: Any) -> Any:
        raise No(403, "M_FORBIDDEN")

    monkeypatch.setattr(house.hs, "_send", muted)
    house.hs.say(room.id, ALICE, "!ai off")
    house.settle()
    assert not house.built.kit.consent.is_on(room.id)


def test_the_state_event_says_what_is_looked_for(house: House) -> None:
    room = house.room(BOB)
    settings = "chat.chatme.ai.settings"
    for content, watched in (
        ({"enabled": True, "watch": ["links", "code"]}, ("code", "links")),
        ({"enabled": True}, ("code", "links")),
        ({"enabled": True, "watch": []}, ()),
    ):
        house.hs.put(room.id, ALICE, settings, content, "")
        house.settle()
        assert house.built.kit.consent.room(room.id).watch == watched


def test_turned_off_while_the_request_is_looked_up(house: House) -> None:
    room = house.room(BOB)
    house.hs.mention(room.id, BOB, "hello")
    house.hs.freeze = lambda _, path, is_after: not is_after and "/event/" in path
    house.deliver()
    house.loop.until(lambda: bool(house.hs.waiting))
    house.hs.put(room.id, ALICE, "chat.chatme.ai.settings", {"enabled": False}, "")
    house.deliver()
    house.hs.freeze = lambda _method, _path, _after: False
    house.hs.serve_late()
    house.loop.until(house.built.assistant.is_idle)
    assert house.model.prompts == []
    assert house.texts(room) == []
