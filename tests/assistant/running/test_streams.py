"""An answer watched as it grows (MSC4471): the messages to devices go through the homeserver, both ways."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nio import SyncResponse, ToDeviceMessage, UnknownToDeviceEvent

from appservices.assistant.streaming.publish import PREFIX
from tests.assistant.running.model import Json, Model
from tests.assistant.running.people import Person, Table, fits
from tests.assistant.running.places import Place, open_place

WORDS = [f"word{number} and more " for number in range(50)]


def script(asked: Json) -> Iterator[str]:
    for word in WORDS:
        time.sleep(0.04)
        yield word


class _Watcher:
    def __init__(self, place: Place, person: Person, room: str) -> None:
        self._place, self._person, self._room = place, person, room
        self.text, self.seq, self.edits = "", 0, 0
        self.first: dict[str, Any] | None = None
        self.last: str | None = None
        person.client.add_to_device_callback(self._told, UnknownToDeviceEvent)

    def _told(self, event: UnknownToDeviceEvent) -> None:
        content = event.source["content"]
        assert event.type == f"{PREFIX}.update"
        assert (content["event_id"], content["seq"]) == (self.first["event_id"] if self.first else None, self.seq + 1)
        self.seq += 1
        self.text = (self.text if content["op"] == "append" else "") + content["content"]["body"]

    async def watch(self) -> None:
        while self.last is None:
            answer = fits(SyncResponse, await self._person.client.sync(timeout=1000))
            info = answer.rooms.join.get(self._room)
            for event in info.timeline.events if info is not None else ():
                await self._look_at(event.source)

    async def _look_at(self, event: dict[str, Any]) -> None:
        content = event["content"]
        is_edit = content.get("m.relates_to", {}).get("rel_type") == "m.replace"
        self.edits += is_edit
        if is_edit and PREFIX not in content["m.new_content"]:
            self.last = content["m.new_content"]["body"]
        elif not is_edit and PREFIX in content:
            self.first = event
            me, device = self._place.user_id, content[PREFIX]["device_id"]
            wish = {"room_id": self._room, "event_id": event["event_id"], "device_id": self._person.client.device_id, "expiry_ms": 60_000}
            await self._person.client.to_device(ToDeviceMessage(f"{PREFIX}.subscribe", me, device, wish))


def test_an_answer_is_watched(tmp_path: Path) -> None:
    model = Model(script)
    with open_place("inside", tmp_path, model) as place:

        async def story() -> None:
            async with Table(place.address) as table:
                alice = await table.person("alice")
                room = await alice.create(place.user_id)
                await alice.hears(room, place.user_id, "I am off in this room")
                await alice.say(room, "!ai on")
                await alice.hears(room, place.user_id, "I am on in this room")
                watcher = _Watcher(place, alice, room)
                await alice.say(room, "!ai ask tell me all")
                await watcher.watch()
                whole = "".join(WORDS).strip()
                assert watcher.last == whole
                assert watcher.seq >= 3
                assert whole.startswith(watcher.text)
                assert len(watcher.text) > 200
                assert watcher.edits <= 2

        asyncio.run(story())
    model.close()
