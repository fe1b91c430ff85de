"""What comes between the look and the deed: turned off, stopped, withdrawn, redacted while something else is waited for."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from appservices.assistant.matrix.errors import Unreachable
from tests.assistant.homeserver import ME
from tests.assistant.house import ALICE, BOB, CAROL, House
from tests.assistant.scripted_model import Say


def hold(house: House, part: str, *, method: str = "GET") -> None:
    """Requests of that kind wait to be served."""
    house.hs.freeze = lambda verb, path, is_after: not is_after and verb == method and part in path


def go_on(house: House) -> None:
    house.hs.freeze = lambda _method, _path, _after: False
    house.hs.waiting = [request for request in house.hs.waiting if request.channel is not None]  # who gave up is not served
    house.hs.serve_late()


def test_stopped_while_it_is_asked_whether_the_asker_is_read(house: House) -> None:
    room = house.room(BOB)
    house.hs.mention(room.id, BOB, "hello")
    hold(house, "/profile/%40bob")
    house.deliver()
    house.loop.until(lambda: bool(house.hs.waiting))
    house.hs.say(room.id, BOB, "!ai stop")
    house.deliver()
    go_on(house)
    house.loop.until(house.built.assistant.is_idle)
    assert house.model.prompts == []


@pytest.mark.parametrize("words", ["", "!ai stop"])
def test_withdrawn_while_the_homeserver_is_away(house: House, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was said and not heard of goes, too, and nothing is left to be done."""
    room, homeserver = house.room(BOB), house.built.homeserver
    once = homeserver._once

    async def lose(method: str, path: str, *rest: Any) -> Any:
        answer = await once(method, path, *rest)
        if "/send/m.room.message/" in path:
            raise Unreachable("no answer")
        return answer

    monkeypatch.setattr(homeserver, "_once", lose)
    asked = house.hs.mention(room.id, BOB, "hello")
    house.deliver()
    house.loop.until(lambda: bool(house.built.assistant._runner._resting))
    monkeypatch.setattr(homeserver, "_once", once)
    if words:
        house.hs.say(room.id, BOB, words)
    else:
        house.hs.redact(room.id, BOB, asked)
    house.deliver()
    house.loop.until(house.built.assistant.is_idle)
    assert house.texts(room) == []
    assert house.built.assistant._journal.open_turns() == []
    assert len(house.model.prompts) == 1


def test_two_tasks_at_once_have_two_numbers(house: House) -> None:
    room = house.room(BOB, CAROL)
    hold(house, "/send/chat.chatme.task/", method="PUT")
    house.hs.say(room.id, BOB, "!task paint the fence")
    house.hs.say(room.id, CAROL, "!task mow the lawn")
    house.deliver()
    house.loop.until(lambda: len(house.hs.waiting) == 2)
    go_on(house)
    house.loop.until(house.built.assistant.is_idle)
    assert [task.number for task in house.built.kit.things.tasks(room.id)] == [1, 2]


def test_redacted_while_the_rest_is_read(house: House) -> None:
    """Code is looked up page by page; what is gone by the end of it is not posted."""
    room = house.room(BOB)
    code = house.hs.say(room.id, ALICE, "def tulip(x):\n    return x + 1\n\nprint(tulip(2))")
    for number in range(150):
        house.hs.say(room.id, ALICE, f"chatter {number}")
    house.hs.outbox.clear()
    house.hs.say(room.id, BOB, "!ai code", **{"m.relates_to": {"m.in_reply_to": {"event_id": code}}})
    pages = 0

    def freeze(_: str, path: str, is_after: bool) -> bool:
        nonlocal pages
        pages += is_after and path.endswith("/messages")
        return pages == 2

    house.hs.freeze = freeze
    house.deliver()
    house.loop.until(lambda: bool(house.hs.withheld))
    house.hs.redact(room.id, ALICE, code)
    house.hs.freeze = lambda _method, _path, _after: False
    house.deliver()
    house.hs.release()
    house.loop.until(house.built.assistant.is_idle)
    assert [event for event in room.by(ME) if "tulip" in str(event["content"])] == []


def test_a_file_is_redacted_while_it_is_fetched(house: House) -> None:
    room = house.room(BOB)
    house.hs.files["list"] = b"tulip,rose\n1,2\n3,4\n"
    content = {"msgtype": "m.file", "url": "mxc://test/list", "info": {"mimetype": "text/csv"}}
    file = house.hs.say(room.id, ALICE, "list.csv", **content)
    house.hs.say(room.id, BOB, "!ai file", **{"m.relates_to": {"m.in_reply_to": {"event_id": file}}})
    hold(house, "/media/download/")
    house.deliver()
    house.loop.until(lambda: bool(house.hs.waiting))
    house.hs.redact(room.id, ALICE, file)
    house.deliver()
    go_on(house)
    house.loop.until(house.built.assistant.is_idle)
    assert [event for event in room.by(ME) if "tulip" in str(event["content"])] == []


def test_cleaning_goes_on_after_it_failed_once(house: House) -> None:
    assistant: Any = house.built.assistant
    journal, erase = house.built.kit.things, house.built.kit.things.drop_old_proposals
    calls = []

    def fail(now_ms: int) -> None:
        calls.append(now_ms)
        raise OSError("no space left on device")

    journal.drop_old_proposals = fail  # type: ignore[method-assign]
    before = assistant._cleaning[1]
    with suppress(OSError):
        assistant._erase()
    journal.drop_old_proposals = erase  # type: ignore[method-assign]
    assert calls
    assert assistant._cleaning[1] is not before
    before.cancel()


def test_an_approved_call_that_could_not_be_made_is_not_proposed(build: Callable[..., House]) -> None:
    """Numbers become links, which are longer than any argument may be."""
    house = build()
    room = house.room(BOB)
    for number in range(14):
        house.hs.say(room.id, ALICE, f"chatter {number}")
    wish = {"title": f"see {' '.join(f'[{number}]' for number in range(1, 15))} and do it"}
    house.says(Say(tools=[("create_task", wish)]), Say("I could not."))
    house.hs.mention(room.id, BOB, "make a task")
    house.settle()
    assert house.texts(room) == ["I could not."]
    assert "bad argument" in house.model.prompts[1]


@pytest.mark.parametrize("words", ["optout", "by profile"])
def test_opted_out_while_the_question_waits_for_the_model(build: Callable[..., House], words: str) -> None:
    """The model is busy with something else; what was read for the question by then goes nowhere."""
    house = build(model={"concurrent": 1})
    room, other = house.room(BOB, CAROL), house.room(ALICE)
    house.hs.say(room.id, CAROL, "the word is tulip")
    house.says(Say(hangs=True), Say("Fine."))
    house.hs.mention(other.id, ALICE, "hello")
    house.deliver()
    house.loop.until(lambda: len(house.model.prompts) == 1)
    asked = house.hs.mention(room.id, BOB, "what is the word?")
    house.deliver()
    language: Any = house.built.kit.language
    house.loop.until(lambda: BOB in language._places._waiting)
    if words == "by profile":
        house.hs.profiles[CAROL] = {"chat.chatme.ai.opt_out": True}
        house.built.kit.people._profiles.clear()
        house.loop.run(house.built.kit.people.is_out(CAROL))
    else:
        house.hs.say(room.id, CAROL, "!ai optout")
        house.deliver()
        house.loop.until(lambda: house.built.kit.consent.is_out(CAROL))
    house.hs.say(other.id, ALICE, "!ai stop")
    house.deliver()
    house.loop.until(house.built.assistant.is_idle)
    assert not any("tulip" in prompt for prompt in house.model.prompts)
    [answer] = [event for event in room.by(ME) if event["content"].get("m.relates_to", {}).get("event_id") == asked]
    assert "please ask again" in answer["content"]["body"]


def test_when_it_says_that_it_is_off_it_is(house: House) -> None:
    room = house.room(BOB)
    house.hs.say(room.id, ALICE, "!ai off")
    was_on: list[bool] = []

    def freeze(_: str, path: str, is_after: bool) -> bool:
        if is_after and "/state/chat.chatme.ai.settings/" in path:
            was_on.append(any("I am off in this room, and" in event["content"].get("body", "") for event in room.by(ME)))
        return False

    house.hs.freeze = freeze
    house.settle()
    assert was_on == [False]  # nothing but the words is on its way between them and the end
    assert not house.built.kit.consent.is_on(room.id)


def test_a_proposal_that_the_room_has_already_is_the_one_that_counts(house: House) -> None:
    """Killed between saying and writing down; the model, asked anew, would propose something else."""
    room = house.room(BOB)
    house.says(
        Say(tools=[("create_task", {"title": "order a rose"})]), Say(tools=[("create_task", {"title": "order a tulip"})]), Say("There.")
    )
    house.hs.mention(room.id, BOB, "make a task")
    house.hs.freeze = lambda method, path, is_after: is_after and method == "PUT" and "/send/m.room.message/" in path
    house.deliver()
    house.loop.until(lambda: bool(house.hs.withheld))
    house.stop()
    house.hs.freeze = lambda _method, _path, _after: False
    house.start()
    house.loop.until(house.built.assistant.is_idle)
    [proposal] = [event for event in room.by(ME) if "chat.chatme.proposal" in event["content"]]
    house.hs.react(room.id, BOB, proposal["event_id"], "👍")
    house.settle()
    [task] = room.by(ME, "chat.chatme.task")
    assert task["content"]["chat.chatme.task"]["title"] == "order a rose"
