"""Anna and Ben talk about a boat, turn the assistant on, and Nora, who is new, has it tell her what she missed."""

import asyncio
import time
from typing import Final

from tests.assistant.running.people import Person, Table
from tests.demo.screen import Screen, heading

PASSWORD: Final = "sails and oars"
POLL: Final = "org.matrix.msc3381.poll.start"


class Story:
    def __init__(self, table: Table, assistant: str) -> None:
        self._table = table
        self._assistant = assistant
        self.room = ""

    async def tell(self) -> None:
        anna, ben, nora = [await self._table.person(name, PASSWORD) for name in ("anna", "ben", "nora")]
        self.room = await anna.create(ben.id, nora.id, self._assistant, name="The boat")
        screen = Screen(anna, self.room)
        screen.start()
        await ben.join(self.room)
        await self._talk(anna, ben)
        await nora.join(self.room)
        for step in (self._summary(nora), self._task(nora, ben), self._meeting(anna, ben, nora)):
            await screen.look()
            await step
        await screen.stop()

    async def _talk(self, anna: Person, ben: Person) -> None:
        heading("two people, a room, and an assistant that was invited: it is silent until somebody with the power turns it on")
        await anna.hears(self.room, self._assistant, "I am off in this room")
        for who, words in (
            (anna, "our boat needs new sails before the regatta in May"),
            (ben, "I can ask two sail makers what they want for that"),
            (anna, "good! shall we meet this week and decide?"),
            (ben, "yes, any evening"),
        ):
            await who.say(self.room, words)
            await asyncio.sleep(0.3)
        await anna.say(self.room, "!ai on")
        await anna.hears(self.room, self._assistant, "I am on in this room")

    async def _summary(self, nora: Person) -> None:
        heading("Nora is new. A summary, each point with a link to what was said; then a question")
        await nora.say(self.room, "!ai summary")
        await nora.hears(self.room, self._assistant, "Ben asks two sail makers")
        await nora.mention(self.room, self._assistant, "what does the boat need?")
        await nora.hears(self.room, self._assistant, "New sails, before the regatta")

    async def _task(self, nora: Person, ben: Person) -> None:
        heading("a task, from a message")
        said = await nora.say(self.room, "somebody should measure the mast")
        await ben.react(self.room, said, "📌")
        shown = await nora.hears(self.room, self._assistant, "☐ Task 1")
        await ben.react(self.room, shown["event_id"], "✅")
        await nora.hears(self.room, self._assistant, "☑ Task 1")

    async def _meeting(self, anna: Person, ben: Person, nora: Person) -> None:
        heading("a meeting: a poll, a date with a file for calendars, and a reminder (which is due at once, for it is soon)")
        soon = time.strftime("%Y-%m-%d %H:%M", time.gmtime(time.time() + 540))
        await anna.say(self.room, f"!meet New sails: {soon}, tomorrow 18:00")
        poll = await anna.until(self.room, lambda found: next((each for each in found if each["type"] == POLL), None))
        slot = poll["content"][POLL]["answers"][0]["id"]
        for who in (ben, nora):
            vote = {"m.relates_to": {"rel_type": "m.reference", "event_id": poll["event_id"]}}
            await who.send(self.room, "org.matrix.msc3381.poll.response", vote | {"org.matrix.msc3381.poll.response": {"answers": [slot]}})
        await anna.say(self.room, "!meet close")
        await anna.hears(self.room, self._assistant, "📅 New sails")
        await anna.until(self.room, lambda found: next((each for each in found if each["content"].get("url")), None))
        await anna.hears(self.room, self._assistant, "⏰ New sails")
