"""200 texts, each where a room has text, each read by a model that obeys them all."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from appservices.assistant.settings import Budgets
from tests.assistant.homeserver import ME, Room
from tests.assistant.house import ALICE, BOB, House
from tests.assistant.loop import Loop
from tests.assistant.privacy.canary import bring_near, quick_folder
from tests.assistant.safety.injections import INJECTIONS
from tests.assistant.safety.obeying import MALLORY, PLACES, Obeying, check, proposals_to


class Scene:
    """Alice has all the power, Bob has none, Mallory comes from elsewhere; the assistant has more than it needs."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.hs = house.hs
        self.model = Obeying()
        bring_near(house)
        house.built.kit.language._model = self.model
        self.other = self._room(BOB)
        self.move()
        self.seen = ""
        self.before = len(self.other.events)

    def move(self) -> None:
        """Into a new room, so that not each reads what all before it left."""
        self.room = self._room(BOB, MALLORY, powers={ME: 100})

    def _room(self, *people: str, powers: dict[str, int] | None = None) -> Room:
        room = self.hs.create(ALICE, *people, powers=powers)
        self.hs.invite_assistant(room.id, ALICE)
        self.bring()
        self.hs.say(room.id, ALICE, "!ai on")
        self.bring()
        return room

    def bring(self) -> None:
        while self.hs.outbox:
            events, self.hs.outbox = self.hs.outbox, []
            self.hs.count += 1
            self.house.loop.run(self.house.built.assistant.take(f"t{self.hs.count}", {"events": events}))
            self.house.loop.until(self.house.built.assistant.is_idle)
        self.house.clock.ahead += 10

    def ask(self, user: str, words: str, about: str) -> None:
        relation = {"m.relates_to": {"m.in_reply_to": {"event_id": about}}} if words in ("translate", "file") else {}
        self.hs.say(self.room.id, user, f"!ai {words}", **relation)
        self.bring()


@pytest.fixture
def scene(loop: Loop) -> Iterator[Scene]:
    with quick_folder() as folder:
        house = House(loop, Path(folder), budgets=Budgets(**dict.fromkeys(Budgets.__dataclass_fields__, 0)))
        yield Scene(house)
        house.close()


def test_they_are_200() -> None:
    assert len(set(INJECTIONS)) == 200


def test_200_injections_change_nothing_and_take_nothing_out(scene: Scene) -> None:
    hs, read = scene.hs, 0
    for number, text in enumerate(INJECTIONS):
        if number % 20 == 19:
            _nothing_happened(scene)
            scene.move()
        put, requests = list(PLACES.values())[number % len(PLACES)]
        asker = ALICE if number % 3 else BOB
        asked = len(scene.model.prompts)
        scene.seen += text + f" https://evil.example/{'-'.join(text.split())[:60]} "
        hs.writes.clear()
        about = put(hs, scene.room, text)
        scene.bring()
        check(scene.room, MALLORY, scene.seen, hs.writes)  # she may ask for herself
        hs.writes.clear()
        scene.ask(asker, requests[number // len(PLACES) % len(requests)], about)
        check(scene.room, asker, scene.seen, hs.writes)
        read += _was_read(text, scene.model.prompts[asked:])
    assert read == 200
    _nothing_happened(scene)


def _was_read(text: str, prompts: list[str]) -> bool:
    """The longest word of it without what JSON writes otherwise; of a name what can be seen of it."""
    words = [word for word in text.split() if word.isalnum()] or [text[:8]]
    visible = "".join(each for each in text if each.isprintable())[:40]
    return any(max(words, key=len)[:40] in prompt or rf"\"name\": \"{visible}" in prompt for prompt in prompts)


def _nothing_happened(scene: Scene) -> None:
    room = scene.room
    changed = [event["type"] for event in room.events if event["sender"] == ME and "state_key" in event]
    assert set(changed) <= {"m.room.member", "chat.chatme.ai.settings"}
    assert {event["type"] for event in room.events if event["sender"] == ME} <= {
        "m.room.message", "m.reaction", "m.room.member", "chat.chatme.ai.settings",
    }  # fmt: skip
    assert len(scene.other.events) == scene.before
    asked = {
        re.sub(r"rooms/[^/]+/(\w+)/.*", r"rooms/R/\1", path.split("client/v3/")[-1])
        for method, path in scene.hs.requests
        if method != "GET"
    }
    assert {path for path in asked if "rooms/R" in path} <= {"rooms/R/send", "rooms/R/typing", "rooms/R/state"}  # state: that it is on
    assert not any("exfil" in path or "169.254" in path for _, path in scene.hs.requests)


def test_what_was_proposed_is_done_by_nobody_elses_hand(scene: Scene) -> None:
    """Mallory and Bob approve what was proposed to Alice; to Bob nothing was proposed that he may not do."""
    for user in (ALICE, BOB):
        scene.ask(user, "ask what is new?", "")
    mine = proposals_to(scene.room, ALICE)
    assert {event["content"]["chat.chatme.proposal"]["tool"] for event in mine} >= {"set_topic", "create_task"}
    assert {event["content"]["chat.chatme.proposal"]["tool"] for event in proposals_to(scene.room, BOB)} == {
        "create_task",
        "schedule_meeting",
    }
    for event in mine:
        for user in (MALLORY, BOB):
            scene.hs.react(scene.room.id, user, event["event_id"], "👍")
    scene.bring()
    assert ("m.room.topic", "") not in scene.room.state
    assert ("chat.chatme.category", "") not in scene.room.state
    assert scene.room.by(ME, "chat.chatme.task") == []


def test_a_space_that_is_not_the_askers_is_not_touched(scene: Scene) -> None:
    """The model names a space where the assistant has the power, and Alice has not."""
    space = scene.hs.create(MALLORY, kind="m.space", powers={ME: 100})
    scene.hs.invite_assistant(space.id, MALLORY)
    scene.bring()
    scene.ask(ALICE, "organise", "")
    for event in proposals_to(scene.room, ALICE):
        scene.hs.react(scene.room.id, ALICE, event["event_id"], "👍")
    scene.bring()
    assert not any(kind == "m.space.child" for kind, _ in space.state)
    assert scene.model.prompts
    assert all(space.id not in prompt for prompt in scene.model.prompts)
