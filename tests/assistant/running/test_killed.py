"""Killed for real (`kill -9`) at each request to the homeserver, at each stage of the model's answer, and at moments of chance: the room gets one answer."""

import asyncio
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.assistant.running.model import Json, Model, says
from tests.assistant.running.people import PATIENCE_SECONDS, Person, Table
from tests.assistant.running.places import Place, open_beside, open_inside

pytestmark = pytest.mark.slow

ANSWER = "They want to sail around the island before the summer ends"


class Slow:
    """Says it word by word; at the word of a number it waits until the process that asked has been killed."""

    def __init__(self) -> None:
        self.stop_at = -1
        self.reached = threading.Event()
        self.flows = threading.Event()

    def at(self, word: int) -> None:
        self.stop_at = word
        self.reached.clear()
        self.flows.clear()

    def on(self) -> None:
        self.stop_at = -1
        self.flows.set()

    def __call__(self, _: Json) -> Iterator[str]:
        words = ANSWER.split()
        for number, word in enumerate(words):
            self._pause(number)
            yield f"{word} " if number < len(words) - 1 else word
        self._pause(len(words))

    def _pause(self, number: int) -> None:
        if number == self.stop_at:
            self.reached.set()
            self.flows.wait(PATIENCE_SECONDS)
        time.sleep(0.02)


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def model(slow: Slow) -> Iterator[Model]:
    made = Model(slow)
    yield made
    made.close()


class Room:
    def __init__(self, place: Place, bob: Person, id: str) -> None:
        self.place, self.bob, self.id = place, bob, id
        self.count = 0

    async def ask(self) -> None:
        self.count += 1
        await self.bob.mention(self.id, self.place.user_id, f"what do they want? ({self.count})")

    async def answers(self) -> list[str]:
        return [text for text in await self.bob.heard(self.id, self.place.user_id) if text.startswith("They")]

    async def is_answered(self) -> bool:
        return (await self.answers()).count(ANSWER) >= self.count

    async def is_answered_once(self) -> None:
        await self.bob.until(self.id, lambda _: True)
        latest = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while not await self.is_answered():
            assert asyncio.get_running_loop().time() < latest, await self.answers()
            await asyncio.sleep(0.1)
        assert await self.answers() == [ANSWER] * self.count

    async def has_status(self) -> None:
        """Asked until it comes fresh: the homeserver brings it some seconds after a sign of life."""

        def told(history: list[dict[str, Any]]) -> bool:
            return any(event["sender"] == self.place.user_id and "Your tokens today" in str(event["content"]) for event in history)

        latest = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while not told(await self.bob.history(self.id)):
            assert asyncio.get_running_loop().time() < latest, "there is no status"
            await self.bob.say(self.id, "!ai status")
            with suppress(AssertionError):
                await self.bob.until(self.id, told, 4.0)

    def kill(self) -> None:
        self.place.end(signal.SIGKILL)


async def open_room(place: Place, table: Table) -> Room:
    bob = await table.person("bob")
    room = await bob.create(place.user_id)
    await bob.hears(room, place.user_id, "I am off")
    await bob.say(room, "!ai on")
    await bob.hears(room, place.user_id, "I am on")
    return Room(place, bob, room)


async def happens(event: threading.Event, seconds: float = PATIENCE_SECONDS) -> bool:
    return await asyncio.get_running_loop().run_in_executor(None, event.wait, seconds)


def test_at_requests_of_a_turn(tmp_path: Path, model: Model) -> None:
    """In turn before one is served and after; each one, without processes: `test_delivery.py`."""
    with open_beside(tmp_path, model) as place:
        tap = place.tap
        assert tap is not None

        async def story() -> None:
            async with Table(place.address) as table:
                room = await open_room(place, table)
                for number in (0, 5, 8, 9, 10):
                    tap.hang(number, after=number % 2 == 0)
                    await room.ask()
                    assert await happens(tap.reached)
                    room.kill()
                    tap.flow()
                    place.start()
                    await room.is_answered_once()

        asyncio.run(story())


LAST = len(ANSWER.split())


@pytest.mark.parametrize(("opened", "words"), [(open_beside, (0, 9, LAST)), (open_inside, (9,))])
def test_at_each_stage_of_the_answer(tmp_path: Path, model: Model, slow: Slow, opened: Any, words: tuple[int, ...]) -> None:
    """Before the first word, amid them, and after the last; inside ChatMe the server is killed with it."""
    with opened(tmp_path, model) as place:

        async def story() -> None:
            async with Table(place.address) as table:
                room = await open_room(place, table)
                for word in words:
                    slow.at(word)
                    await room.ask()
                    assert await happens(slow.reached)
                    if word:
                        await asyncio.sleep(0.7)  # something of it may be shown by now
                    room.kill()
                    slow.on()
                    place.start()
                    await room.is_answered_once()

        asyncio.run(story())


@pytest.mark.parametrize("opened", [open_beside, open_inside])
def test_at_any_moment(tmp_path: Path, model: Model, opened: Any) -> None:
    chance = random.Random(20)
    with opened(tmp_path, model) as place:

        async def story() -> None:
            async with Table(place.address) as table:
                room = await open_room(place, table)
                for _ in range(2):
                    await room.ask()
                    await asyncio.sleep(chance.uniform(0.0, 0.7))
                    room.kill()
                    place.start()
                    await room.is_answered_once()

        asyncio.run(story())


def test_nothing_stale_after_a_long_outage(tmp_path: Path, model: Model, slow: Slow) -> None:
    """What was asked before it or meanwhile is not answered any more; what had been begun is labelled."""
    with open_beside(tmp_path, model) as place:
        alone = place.alone
        assert alone is not None

        async def story() -> None:
            async with Table(place.address) as table:
                room = await open_room(place, table)
                slow.at(LAST)
                await room.ask()
                assert await happens(slow.reached)
                room.kill()
                slow.on()
                model.script = says("too late")
                await room.ask()
                await asyncio.sleep(5.5)
                asked = len(model.requests)
                alone.set(freshness_seconds=5)
                place.start()
                await room.has_status()
                heard = await room.bob.heard(room.id, place.user_id)
                assert [text for text in heard if text.startswith("They") and not text.endswith("(interrupted)")] == []
                assert [text for text in heard if "too late" in text] == []
                assert len(model.requests) == asked

        asyncio.run(story())
