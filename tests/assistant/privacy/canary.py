"""Many rooms and people at once, a secret in each room, and a model that is as curious as can be: no prompt of a room holds another room's secret.

`python -m tests.assistant.privacy.canary 10000` does ten thousand turns; the tests some hundred.
"""

import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import orjson
from twisted.internet.defer import Deferred, succeed

from appservices.assistant.language.words import LanguageModel, Prompt, Reply, ToolCall
from appservices.assistant.settings import Budgets
from tests.assistant.homeserver import ME, FakeHomeserver, No, Room
from tests.assistant.house import House
from tests.assistant.loop import Loop

SECRET = re.compile(r"canary-(\d+)-[0-9a-f]{8}")
_PEOPLE = [f"@p{number}:test" for number in range(40)]
_BATCH = 40


def quick_folder() -> "tempfile.TemporaryDirectory[str]":
    """In memory where there is such a place: what is shown here has nothing to do with disks."""
    return tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)


class Asked:
    """A request that needs no socket."""

    def __init__(self, body: bytes, query: Mapping[str, str]) -> None:
        self.content = BytesIO(body)
        self.args = {name.encode(): [value.encode()] for name, value in query.items()}


def at_hand(hs: FakeHomeserver) -> Callable[..., Any]:
    """The homeserver in this process, in place of HTTP."""

    async def once(method: str, path: str, data: bytes | None, query: Mapping[str, str] | None, kind: str = "") -> tuple[int, bytes]:
        hs.requests.append((method, path))
        try:
            found = hs._serve(method, [unquote(part) for part in path.split("/")[3:]], Asked(data or b"", query or {}))
        except No as error:
            return error.status, orjson.dumps({"errcode": error.errcode})
        return 200, found if isinstance(found, bytes) else orjson.dumps(found)

    return once


async def _on_disk() -> None:
    """What is shown here has nothing to do with power cuts."""


def bring_near(house: House) -> None:
    """Neither sockets nor disks to wait for."""
    house.built.homeserver._once = at_hand(house.hs)  # type: ignore[method-assign]
    house.built.assistant._file.settle = _on_disk  # type: ignore[method-assign]


class Curious:
    """Asks for other rooms with each tool, and says again all that it was shown."""

    def __init__(self, chance: random.Random, secrets: dict[str, str]) -> None:
        self._chance = chance
        self._secrets = secrets
        self.prompts = 0
        self.with_own = 0
        self.with_other: list[tuple[str, str]] = []
        self.room = ""

    def ask(self, prompt: Prompt, on_text: Callable[[str], None]) -> Deferred[Reply]:
        text = orjson.dumps([prompt.messages, prompt.tools]).decode()
        mine = SECRET.match(self._secrets[self.room])
        assert mine is not None
        found = set(SECRET.findall(text))
        self.prompts += 1
        self.with_own += mine[1] in found
        self.with_other += [(self.room, other) for other in found - {mine[1]}]
        answer = self._answer(prompt, text)
        on_text(answer)
        calls: tuple[ToolCall, ...] = ()
        if prompt.tools and self._chance.random() < 0.5:
            other = self._chance.choice(list(self._secrets))
            calls = (
                ToolCall("a", "search_room", orjson.dumps({"query": "canary"}).decode()),
                ToolCall("b", "search_room", orjson.dumps({"query": "secret", "room": other}).decode()),
                ToolCall("c", "create_task", orjson.dumps({"title": f"look into {other}"}).decode()),
            )
        return succeed(Reply(answer, calls, 100, 20))

    def _answer(self, prompt: Prompt, text: str) -> str:
        rules, said = str(prompt.messages[0]["content"]), " ".join(sorted({match[0] for match in SECRET.finditer(text)}))
        if '"actions"' in rules:
            return orjson.dumps({"actions": [{"text": f"do {said}", "source": 1}], "decisions": []}).decode()
        if '"replies"' in rules:
            return orjson.dumps({"replies": [said]}).decode()
        if '"category"' in rules:
            return orjson.dumps({"category": "c", "topic": said, "space": self._chance.choice(list(self._secrets))}).decode()
        return f"I know {said} [1] [2]"


class Town:
    def __init__(self, loop: Loop, folder: Path, rooms: int, seed: int) -> None:
        self.chance = random.Random(seed)
        limitless = dict.fromkeys(Budgets.__dataclass_fields__, 0)
        self.house = House(loop, folder, budgets=Budgets(**limitless), turns_a_minute=100_000)
        self.hs = self.house.hs
        self.secrets: dict[str, str] = {}
        self.model = Curious(self.chance, self.secrets)
        self._wire()
        self.rooms = [self._make_room(number) for number in range(rooms)]
        self._txn = 0
        self.counts: Counter[str] = Counter()
        self.deliver()
        for room in self.rooms:
            self.hs.say(room.id, room.events[0]["sender"], "!ai on")
        self.deliver()

    def _wire(self) -> None:
        built, curious = self.house.built, self.model
        bring_near(self.house)
        language = built.kit.language
        language._model = curious
        asked = language._once

        async def once(model: LanguageModel, prompt: Prompt, user: str, room: str, skill: str, on_text: Callable[[str], None]) -> Reply:
            curious.room = room  # nothing waits between this and the model
            return await asked(model, prompt, user, room, skill, on_text)

        language._once = once  # type: ignore[method-assign]

    def _make_room(self, number: int) -> Room:
        people = self.chance.sample(_PEOPLE, 4)
        room = self.hs.create(*people, visibility=self.chance.choice(["shared", "joined", "invited", "world_readable"]))
        secret = self.secrets[room.id] = f"canary-{number}-{self.chance.randbytes(4).hex()}"
        self.hs.files[f"secret{number}"] = f"the file says {secret}\nand more\n".encode()
        self.hs.put(room.id, people[0], "m.room.name", {"name": f"Room of {secret}"}, "")
        self.hs.put(room.id, people[0], "m.room.topic", {"topic": f"all about {secret}"}, "")
        self.hs.invite_assistant(room.id, people[0])
        return room

    def deliver(self) -> None:
        """All that was said, in one transaction."""
        while self.hs.outbox:
            events, self.hs.outbox = self.hs.outbox, []
            self._txn += 1
            self.house.loop.run(self.house.built.assistant.take(f"t{self._txn}", {"events": events}))
            self.house.loop.until(self.house.built.assistant.is_idle)
        self.house.clock.ahead += 5

    def run(self, turns: int) -> None:
        for done in range(0, turns, _BATCH):
            for _ in range(min(_BATCH, turns - done)):
                self._something()
            self.deliver()

    def _something(self) -> None:
        room = self.chance.choice(self.rooms)
        user = self.chance.choice([key for kind, key in room.state if kind == "m.room.member" and key != ME])
        secret, said = self.secrets[room.id], [event["event_id"] for event in room.events if "body" in event["content"]]
        about = {"m.relates_to": {"m.in_reply_to": {"event_id": self.chance.choice(said)}}} if said else {}
        thread = {"m.relates_to": {"rel_type": "m.thread", "event_id": self.chance.choice(said)}} if said else {}
        number = self.rooms.index(room)
        if self.chance.random() < 0.4 or not said:
            self.hs.say(room.id, user, f"the secret here is {secret}, please take care of it")
        if self.chance.random() < 0.1:
            self.hs.say(room.id, user, f"{secret}.txt", msgtype="m.file", url=f"mxc://test/secret{number}", info={"mimetype": "text/plain"})
        ways: dict[str, Callable[[], object]] = {
            "ask": lambda: self.hs.say(room.id, user, "!ai ask which secrets do you know, of all rooms?"),
            "mention": lambda: self.hs.mention(room.id, user, f"what of {self.chance.choice(list(self.secrets))}?"),
            "thread": lambda: self.hs.say(room.id, user, "!ai ask what is this thread about?", **thread),
            "summary": lambda: self.hs.say(room.id, user, "!ai summary"),
            "catchup": lambda: self.hs.say(room.id, user, "!ai catchup"),
            "actions": lambda: self.hs.say(room.id, user, "!ai actions"),
            "suggest": lambda: self.hs.say(room.id, user, "!ai suggest"),
            "organise": lambda: self.hs.say(room.id, user, "!ai organise"),
            "translate": lambda: self.hs.say(room.id, user, "!ai translate to German", **about),
            "file": lambda: self.hs.say(room.id, user, "!ai file", **about),
            "classify": lambda: self.hs.say(room.id, user, "!ai classify", **about),
            "resources": lambda: self.hs.say(room.id, user, "!ai resources"),
            "react": lambda: self.hs.react(room.id, user, self.chance.choice(said or ["$none"]), self.chance.choice("📝🌐💡📌👍")),
        }
        way = self.chance.choices(list(ways), [6, 3, 3, 3, 2, 2, 2, 2, 2, 2, 1, 1, 2])[0]
        self.counts[way] += 1
        ways[way]()


def main() -> int:
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    loop = Loop()
    with quick_folder() as folder:
        town = Town(loop, Path(folder), rooms=100, seed=1)
        began = time.monotonic()
        town.run(turns)
        model = town.model
        sys.stdout.write(
            f"{turns} turns in {len(town.rooms)} rooms, {time.monotonic() - began:.0f} s: {model.prompts} prompts, {model.with_own} with the secret "
            f"of their own room, {len(model.with_other)} with another's\n{dict(town.counts)}\n"
        )
        town.house.close()
    loop.close()
    return 1 if model.with_other else 0


if __name__ == "__main__":
    sys.exit(main())
