"""Whoever is answered from what a crowd has in common is told exactly what he would be told alone."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from homeserver.sync.crowd import Crowd
from homeserver.sync.feed import Feed
from homeserver.sync.scope import SyncQuestion
from tests.support.client import Client
from tests.support.rooms import create_room, join, path
from tests.support.server import TestServer, make_server

NAMES = ("alice", "bob", "carol", "dave", "erin")
FILTERS = (
    None,
    '{"room":{"timeline":{"limit":20},"state":{"lazy_load_members":true}}}',
    '{"room":{"timeline":{"limit":1,"unread_thread_notifications":true}},"presence":{"not_types":["*"]}}',
    '{"room":{"timeline":{"not_types":["m.reaction"]}}}',
    '{"event_format":"federation"}',
)


class Script:
    """People in two rooms who do what the seed says."""

    def __init__(self, place: Path, seed: int) -> None:
        self.chance = Random(seed)
        self.server = make_server(place)
        self.people = {name: self.server.user(name) for name in NAMES}
        self.rooms = [create_room(self.server, self.people["alice"], preset="public_chat") for _ in range(2)]
        for name in NAMES[1:]:
            for room in self.rooms:
                join(self.server, self.people[name], room)
        self.events: list[tuple[str, str]] = []
        self.count = 0

    def act(self) -> None:
        chance = self.chance
        name, room = chance.choice(NAMES), chance.choice(self.rooms) if chance.random() < 0.2 else self.rooms[0]
        person, kind = self.people[name], chance.random()
        if kind < 0.6 or not self.events:
            self._say(person, room, {"msgtype": "m.text", "body": "words"} | self._mention())
        elif kind < 0.7:
            self._relate(person, {"rel_type": chance.choice(("m.thread", "m.reference"))})
        elif kind < 0.75:
            self._relate(person, {"rel_type": "m.annotation", "key": str(self.count)}, "m.reaction")
        elif kind < 0.8:
            self.server.ok(person.put(path("rooms", room, "typing", f"@{name}:test"), {"typing": True, "timeout": 30_000}))
        elif kind < 0.88:
            where, event_id = chance.choice(self.events)
            self.server.ok(person.post(path("rooms", where, "receipt", "m.read", event_id), {}))
        elif kind < 0.9:
            where, event_id = chance.choice(self.events)
            self.count += 1
            self.server.run(person.put(path("rooms", where, "redact", event_id, str(self.count)), {}))
        elif kind < 0.92:
            self.server.ok(self.people["alice"].put(path("rooms", room, "state", "m.room.topic", ""), {"topic": str(self.count)}))
        else:
            self._act_alone(person, name, chance.choice(("letter", "key", "ignore", "account data")))

    def _act_alone(self, person: Client, name: str, what: str) -> None:
        """What concerns nobody but one user or device."""
        self.count += 1
        if what == "letter":
            letters = {"messages": {f"@{name}:test": {"*": {"count": self.count}}}}
            self.server.ok(person.put(path("sendToDevice", "a.letter", str(self.count)), letters))
        elif what == "key":
            self.server.ok(person.post(path("keys", "upload"), {"one_time_keys": {f"a_kind:{self.count}": "key"}}))
        elif what == "ignore":
            ignored: dict[str, Any] = {} if self.chance.random() < 0.7 else {f"@{self.chance.choice(NAMES)}:test": {}}
            self.server.ok(person.put(path("user", f"@{name}:test", "account_data", "m.ignored_user_list"), {"ignored_users": ignored}))
        else:
            self.server.ok(person.put(path("user", f"@{name}:test", "account_data", "a.type"), {"value": self.count}))

    def _mention(self) -> dict[str, Any]:
        if self.chance.random() < 0.7:
            return {}
        return {"m.mentions": {"user_ids": [f"@{self.chance.choice(NAMES)}:test"]}}

    def _say(self, person: Client, room: str, content: dict[str, Any], kind: str = "m.room.message") -> None:
        self.count += 1
        event_id = self.server.ok(person.put(path("rooms", room, "send", kind, str(self.count)), content))["event_id"]
        self.events.append((room, event_id))

    def _relate(self, person: Client, relation: dict[str, Any], kind: str = "m.room.message") -> None:
        room, event_id = self.chance.choice(self.events)
        self.count += 1
        content = {"msgtype": "m.text", "body": "of that", "m.relates_to": {**relation, "event_id": event_id}}
        status, answer = self.server.run(person.put(path("rooms", room, "send", kind, str(self.count)), content))
        if status == 200:
            self.events.append((room, answer["event_id"]))


def sync(server: TestServer, client: Client, since: str | None, wanted: str | None) -> dict[str, Any]:
    query: dict[str, Any] = {"since": since} if since else {}
    if wanted:
        query["filter"] = wanted
    answer: dict[str, Any] = without_ages(server.ok(client.get("/_matrix/client/v3/sync", query)))
    return answer


def without_ages(value: Any) -> Any:
    """The time that passed differs from answer to answer."""
    if isinstance(value, dict):
        return {name: without_ages(item) for name, item in value.items() if name not in ("age", "last_active_ago")}
    return [without_ages(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("seed", range(6))
def test_in_a_crowd_as_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    script = Script(tmp_path, seed)
    ready, together = Crowd.answer, [0]

    def counted(self: Crowd, question: SyncQuestion, until: int, feed: Feed) -> bytes | None:
        answer = ready(self, question, until, feed)
        together[0] += answer is not None
        return answer

    wanted = FILTERS[seed % len(FILTERS)]
    tokens = {name: sync(script.server, person, None, wanted)["next_batch"] for name, person in script.people.items()}
    for _ in range(60):
        for _ in range(script.chance.choice((1, 1, 1, 2, 4))):
            script.act()
        for name in script.chance.sample(NAMES, k=len(NAMES)):
            with monkeypatch.context() as crowd:
                crowd.setattr(Crowd, "answer", counted)
                told = sync(script.server, script.people[name], tokens[name], wanted)
            with monkeypatch.context() as alone:
                alone.setattr(Crowd, "answer", lambda *_: None)
                assert told == sync(script.server, script.people[name], tokens[name], wanted)
            tokens[name] = told["next_batch"]
    assert (together[0] > 20) == (seed % len(FILTERS) < 3)
