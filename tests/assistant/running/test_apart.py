"""The chat does not wait for its assistant: nothing of it is loaded where it is off, nothing blocks the loop, and what it does at once is bounded."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appservices.assistant.language.line import Pace
from tests.architecture.tree import ROOT
from tests.assistant.house import ALICE, BOB, House
from tests.assistant.loop import MovedClock
from tests.assistant.scripted_model import Say

PEOPLE = [f"@person{number}:test" for number in range(12)]
LOADED = """
import sys
import homeserver.main, homeserver.cli.main
from homeserver.cli.arguments import parser
parser()
print([name for name in ("openai", "httpx2", "twisted.web.client", "appservices.assistant.build", "appservices.assistant.model") if name in sys.modules])
"""


def test_nothing_is_loaded_where_it_is_off() -> None:
    found = subprocess.run([sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_the_loop_waits_for_no_disk_and_for_no_model(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    room = house.room(BOB)
    here, blocked = threading.get_ident(), []
    for module, name in ((os, "fsync"), (time, "sleep")):
        real = getattr(module, name)

        def seen(*words: Any, real: Callable[..., Any] = real, name: str = name) -> Any:
            if threading.get_ident() == here:
                blocked.append(name)
            return real(*words)

        monkeypatch.setattr(module, name, seen)
    house.says(Say(pieces=["some words "] * 20, seconds=0.01))
    house.hs.mention(room.id, BOB, "what is new?")
    house.hs.say(room.id, ALICE, "!task paint the fence")
    house.settle()
    assert len(house.texts(room)) == 2
    assert blocked == []


def test_chatter_is_not_written_down(house: House) -> None:
    room = house.room(BOB)
    file: Any = house.built.assistant._file
    before = file._connection.total_changes()
    for number in range(20):
        house.hs.say(room.id, BOB, f"word {number}")
    house.settle()
    assert file._connection.total_changes() == before


@pytest.mark.parametrize("say", [Say(hangs=True), Say(pieces=["x "], never_ends=True)])
def test_questions_at_once_are_bounded(build: Callable[..., House], say: Say) -> None:
    house = build(model={"concurrent": 3})
    rooms = [house.room(*PEOPLE) for _ in range(2)]
    house.says(say)
    for room in rooms:
        for person in PEOPLE:
            house.hs.mention(room.id, person, "what is new?")
    house.deliver()
    house.loop.until(lambda: len(house.model.requests) == 3)
    house.hs.say(rooms[0].id, ALICE, "!task paint the fence")  # needs no model
    house.deliver()
    house.loop.until(lambda: any("paint" in text for text in house.texts(rooms[0])))
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("assistant")]
    assert len(threads) <= 8
    assert house.model.cut == 0 or say.never_ends


def test_one_person_cannot_fill_the_queue(build: Callable[..., House]) -> None:
    house = build(turns_a_minute=5)
    room = house.room(BOB)
    house.says(Say(hangs=True))
    for _ in range(50):
        house.hs.mention(room.id, BOB, "what is new?")
    house.deliver()
    runner: Any = house.built.assistant._runner
    assert sum(len(queue) for queue in runner._queues.values()) <= 5


def test_a_flood_is_taken_in_small_pieces() -> None:
    """All lines together: what is above the pace is waited for, in the thread that reads."""
    clock = MovedClock(None)
    clock.monotonic = lambda: clock.ahead  # type: ignore[method-assign]

    class Waits:
        def pause(self, seconds: float) -> None:
            clock.ahead += seconds

    pace = Pace(clock, Waits())  # type: ignore[arg-type]  # nothing else of it is used
    for _ in range(1000):
        pace.keep(1024)
    assert 1_000_000 / clock.ahead < 140_000


def test_it_starts_again_where_it_ended(house: House, tmp_path: Path) -> None:
    """Turned on, it stays so; the door takes nothing between two lives."""
    room = house.room(BOB)
    door = house.built.door
    house.stop()
    assert house.loop.run(door.answer("PUT", "/_matrix/app/v1/transactions/1", "Bearer hs-token", b'{"events":[]}')).status == 503
    house.start()
    house.hs.mention(room.id, BOB, "what is new?")
    house.settle()
    assert house.texts(room) == ["Fine."]
