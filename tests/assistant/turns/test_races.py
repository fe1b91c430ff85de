"""What comes between the look and the deed: turned off, stopped, withdrawn, redacted while something else is waited for."""

from typing import Any

import pytest

from appservices.assistant.matrix.errors import Unreachable
from tests.assistant.house import BOB, House


def hold(house: House, part: str, *, method: str = "GET") -> None:
    """Requests of that kind wait to be served."""
    house.hs.freeze = lambda verb, path, is_after: not is_after and verb == method and part in path


def go_on(house: House) -> None:
    house.hs.freeze = lambda _method, _path, _after: False
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
