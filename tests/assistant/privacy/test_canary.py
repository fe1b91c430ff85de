"""Nothing crosses rooms: some hundred turns here, ten thousand by hand (`canary.py`)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.assistant.loop import Loop
from tests.assistant.privacy.canary import Town, quick_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    with quick_folder() as name:
        yield Path(name)


def test_no_prompt_holds_another_rooms_secret(loop: Loop, folder: Path) -> None:
    town = Town(loop, folder, rooms=20, seed=7)
    town.run(300)
    town.house.close()
    assert town.model.prompts > 250
    assert town.model.with_own > town.model.prompts * 0.7
    assert town.model.with_other == []


def test_the_canary_would_sing(loop: Loop, folder: Path) -> None:
    """The check itself: a secret said in another room is found."""
    town = Town(loop, folder, rooms=2, seed=7)
    first, second = town.rooms
    town.hs.say(first.id, first.events[0]["sender"], town.secrets[second.id])
    town.hs.say(first.id, first.events[0]["sender"], "!ai ask what was said?")
    town.deliver()
    town.house.close()
    assert town.model.with_other != []
