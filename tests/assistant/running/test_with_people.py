"""One room from its first day to the end of its consent, wherever the assistant runs."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nio import DownloadResponse

from tests.assistant.running.model import Json, Model
from tests.assistant.running.people import Person, Table, fits
from tests.assistant.running.places import PLACES, Place, open_place

pytestmark = pytest.mark.slow

CODE = "def area(side):\n    if side < 0:\n        raise ValueError(side)\n    return side * side"
POLL = "org.matrix.msc3381.poll.start"
CALENDAR = "org.matrix.msc4496.calendar_event"
TASK = "chat.chatme.task"


def script(asked: Json) -> Iterator[str]:
    text = json.dumps(asked["messages"])
    if "Summarise" in text:
        yield "- The boat gets new sails [1]."
    elif "category" in text and "topic" in text and "Answer with JSON" in text:
        yield '{"category": "Sailing", "topic": "", "space": ""}'
    else:
        yield from ("They ", "want ", "new ", "sails ", "[1].")


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model(script)
    yield made
    made.close()


@pytest.mark.parametrize("kind", PLACES)
def test_a_room_with_an_assistant(kind: str, tmp_path: Path, model: Model) -> None:
    with open_place(kind, tmp_path, model) as place:

        async def story() -> None:
            async with Table(place.address) as table:
                alice, bob = await table.person("alice"), await table.person("bob")
                room = await alice.create(bob.id, place.user_id)
                await bob.join(room)
                await alice.empower(room, place.user_id, 50)
                await _Story(place, alice, bob, room).run()

        asyncio.run(story())


class _Story:
    def __init__(self, place: Place, alice: Person, bob: Person, room: str) -> None:
        self.place, self.alice, self.bob, self.room = place, alice, bob, room
        self.me, self.model = place.user_id, place.model

    async def run(self) -> None:
        await self.consent()
        await self.answer()
        await self.summary()
        await self.task()
        await self.meeting()
        await self.code_and_links()
        await self.category()
        await self.off()

    async def consent(self) -> None:
        """Silent and blind, until Alice, who has the power, turns it on."""
        await self.bob.hears(self.room, self.me, "I am off in this room")
        await self.bob.mention(self.room, self.me, "are you there?")
        await self.bob.say(self.room, "!ai on")
        await self.alice.say(self.room, "!ai on")
        on = await self.bob.hears(self.room, self.me, "I am on in this room")
        assert "scripted, run by the tests, here" in on["content"]["body"]
        assert self.model.requests == []

    async def answer(self) -> None:
        """In a thread, from what was said."""
        self.said = await self.alice.say(self.room, "our boat needs new sails: https://sails.example/catalogue")
        asked = await self.bob.mention(self.room, self.me, "what does Alice want?")
        answer = await self.bob.hears(self.room, self.me, "They want new sails")
        first = answer["content"]["m.relates_to"]
        if first["rel_type"] == "m.replace":
            history = await self.bob.history(self.room)
            first = next(event for event in history if event["event_id"] == first["event_id"])["content"]["m.relates_to"]
        assert (first["rel_type"], first["event_id"]) == ("m.thread", asked)
        assert "our boat needs new sails" in self.model.prompts()

    async def summary(self) -> None:
        """With a link to where it was said."""
        await self.bob.say(self.room, "!ai summary")
        told = await self.bob.hears(self.room, self.me, "The boat gets new sails")
        text = str(told["content"])
        assert "https://matrix.to/#/" in text

    async def task(self) -> None:
        """By reaction, then closed."""
        wish = await self.alice.say(self.room, "somebody must order the sails")
        await self.bob.react(self.room, wish, "📌")
        task = await self.by_type(TASK)
        assert task["content"]["m.relates_to"] == {"rel_type": "m.reference", "event_id": wish}
        shown = await self.bob.hears(self.room, self.me, "☐ Task 1")
        await self.bob.react(self.room, shown["event_id"], "✅")
        await self.bob.hears(self.room, self.me, "☑ Task 1")

    async def meeting(self) -> None:
        """Poll, votes, event, file; and a reminder after a restart."""
        soon = time.strftime("%Y-%m-%d %H:%M", time.gmtime(time.time() + 360))
        await self.alice.say(self.room, f"!meet Sails: {soon}, 2099-05-04 10:00")
        poll = await self.by_type(POLL)
        slot = poll["content"][POLL]["answers"][0]["id"]
        vote = {"m.relates_to": {"rel_type": "m.reference", "event_id": poll["event_id"]}}
        await self.bob.send(self.room, "org.matrix.msc3381.poll.response", vote | {"org.matrix.msc3381.poll.response": {"answers": [slot]}})
        await self.alice.say(self.room, "!meet close")
        event = await self.by_type(CALENDAR)
        assert event["content"]["chat.chatme.meeting"]["start"] == int(slot)
        file = await self.bob.until(self.room, lambda found: next((each for each in found if each["content"].get("url")), None))
        calendar = fits(DownloadResponse, await self.bob.client.download(file["content"]["url"]))
        assert calendar.body.startswith(b"BEGIN:VCALENDAR\r\n")
        self.place.end()
        self.place.start()
        await self.bob.hears(self.room, self.me, "⏰ Sails")

    async def code_and_links(self) -> None:
        await self.alice.say(self.room, "!ai watch code")
        await self.bob.hears(self.room, self.me, "I look for code")
        await self.bob.say(self.room, CODE)
        shown = await self.bob.hears(self.room, self.me, "```python")
        assert '<pre><code class="language-python">' in shown["content"]["formatted_body"]
        await self.bob.say(self.room, "!ai resources")
        listed = await self.bob.hears(self.room, self.me, "https://sails.example/catalogue")
        assert self.said in str(listed["content"]["body"])

    async def category(self) -> None:
        """Suggested, and nothing changes before Alice approves."""
        await self.alice.say(self.room, "!ai category")
        proposal = await self.bob.until(
            self.room, lambda found: next((each for each in found[::-1] if "chat.chatme.proposal" in each["content"]), None)
        )
        await self.bob.react(self.room, proposal["event_id"], "👍")
        approval = await self.alice.react(self.room, proposal["event_id"], "👍")
        state = await self.by_type("chat.chatme.category")
        assert "Sailing" in str(state["content"])
        order = [event["event_id"] for event in await self.bob.history(self.room)]
        assert order.index(approval) < order.index(state["event_id"])

    async def off(self) -> None:
        """All that was written down of the room is gone; and it is silent again."""
        await self.alice.say(self.room, "!ai off")
        await self.bob.hears(self.room, self.me, "I am off in this room, and")
        asked = len(self.model.requests)
        await self.bob.mention(self.room, self.me, "still there?")
        await self.bob.until(self.room, lambda _: self.traces() == {} or None)
        assert len(self.model.requests) == asked

    def traces(self) -> dict[str, int]:
        with sqlite3.connect(f"file:{self.place.database}?mode=ro", uri=True) as journal:
            tables = ("turns", "said", "proposals", "tasks", "meetings", "reminders")
            counts = {
                table: journal.execute(f"SELECT count(*) FROM {table} WHERE room_id = ?", (self.room,)).fetchone()[0] for table in tables
            }
        journal.close()
        return {table: count for table, count in counts.items() if count}

    async def by_type(self, kind: str) -> Any:
        def find(history: list[dict[str, Any]]) -> dict[str, Any] | None:
            return next((each for each in history if each["sender"] == self.me and each["type"] == kind), None)

        return await self.bob.until(self.room, find)
