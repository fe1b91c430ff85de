"""An answer watched as it grows (MSC4471): the messages to devices go through the homeserver, both ways."""

import asyncio
import itertools
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nio import SyncResponse, ToDeviceMessage, UnknownToDeviceEvent

from appservices.assistant.streaming.publish import PREFIX
from tests.assistant.running.model import Json, Model
from tests.assistant.running.people import PATIENCE_SECONDS, Person, Table, fits
from tests.assistant.running.places import Place, open_place

WORDS = 50  # at least


class _Talk:
    """A model that goes on until what it says is watched, however slow the machine is."""

    def __init__(self) -> None:
        self.said = ""
        self.watcher: _Watcher | None = None

    def script(self, asked: Json) -> Iterator[str]:
        latest = time.monotonic() + PATIENCE_SECONDS
        for number in itertools.count():
            if number >= WORDS and (time.monotonic() > latest or (self.watcher is not None and self.watcher.has_seen_enough())):
                return
            time.sleep(0.04)
            word = f"word{number} and more "
            self.said += word
            yield word


class _Watcher:
    def __init__(self, place: Place, person: Person, room: str) -> None:
        self._place, self._person, self._room = place, person, room
        self.text, self.seq = "", 0
        self.edits: list[int] = []  # when
        self.told_at = math.inf
        self.first: dict[str, Any] | None = None
        self.last: str | None = None
        person.client.add_to_device_callback(self._told, UnknownToDeviceEvent)

    def _told(self, event: UnknownToDeviceEvent) -> None:
        content = event.source["content"]
        assert event.type == f"{PREFIX}.update"
        assert (content["event_id"], content["seq"]) == (self.first["event_id"] if self.first else None, self.seq + 1)
        self.seq += 1
        self.told_at = min(self.told_at, time.time() * 1000)
        self.text = (self.text if content["op"] == "append" else "") + content["content"]["body"]

    def has_seen_enough(self) -> bool:
        return self.seq >= 3 and len(self.text) > 200

    async def watch(self) -> None:
        while self.last is None:
            answer = fits(SyncResponse, await self._person.client.sync(timeout=1000))
            info = answer.rooms.join.get(self._room)
            for event in info.timeline.events if info is not None else ():
                await self._look_at(event.source)

    async def _look_at(self, event: dict[str, Any]) -> None:
        content = event["content"]
        is_edit = content.get("m.relates_to", {}).get("rel_type") == "m.replace"
        if is_edit:
            self.edits.append(event["origin_server_ts"])
        if is_edit and PREFIX not in content["m.new_content"]:
            self.last = content["m.new_content"]["body"]
        elif not is_edit and PREFIX in content:
            self.first = event
            me, device = self._place.user_id, content[PREFIX]["device_id"]
            wish = {"room_id": self._room, "event_id": event["event_id"], "device_id": self._person.client.device_id, "expiry_ms": 60_000}
            await self._person.client.to_device(ToDeviceMessage(f"{PREFIX}.subscribe", me, device, wish))


def test_an_answer_is_watched(tmp_path: Path) -> None:
    talk = _Talk()
    model = Model(talk.script)
    with open_place("inside", tmp_path, model) as place:

        async def story() -> None:
            async with Table(place.address) as table:
                alice = await table.person("alice")
                room = await alice.create(place.user_id)
                await alice.hears(room, place.user_id, "I am off in this room")
                await alice.say(room, "!ai on")
                await alice.hears(room, place.user_id, "I am on in this room")
                watcher = _Watcher(place, alice, room)
                talk.watcher = watcher
                await alice.say(room, "!ai ask tell me all")
                await watcher.watch()
                whole = talk.said.strip()
                assert watcher.last == whole
                assert watcher.seq >= 3
                assert whole.startswith(watcher.text)
                assert len(watcher.text) > 200
                assert len([when for when in watcher.edits if when > watcher.told_at]) <= 2  # one that was under way, and the last

        asyncio.run(story())
    model.close()
