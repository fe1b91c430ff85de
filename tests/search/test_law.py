"""What a search finds is what its searcher would find by reading everything himself: under generated histories, with and without an index."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from homeserver.search.index import DELAY_S
from homeserver.search.store import EACH
from tests.search.texts import says, sentence, term
from tests.support.client import Client
from tests.support.rooms import create_room, path
from tests.support.server import TestServer, make_server

VISIBILITIES = ("world_readable", "shared", "invited", "joined")


class History:
    """Three people in four rooms."""

    def __init__(self, server: TestServer, seed: int) -> None:
        self.server = server
        self.random = Random(seed)
        self.people = {name: server.user(name) for name in ("alice", "bob", "carol")}
        self.rooms = []
        for visibility in VISIBILITIES:
            state = [{"type": "m.room.history_visibility", "state_key": "", "content": {"history_visibility": visibility}}]
            self.rooms.append(create_room(server, self.people["alice"], preset="public_chat", initial_state=state))
        self.said: list[tuple[str, str, str]] = []  # sender, room, event ID
        self.texts: list[str] = ["nothing"]
        self.count = 0

    def step(self) -> None:
        name, room = self.random.choice(list(self.people)), self.random.choice(self.rooms)
        action = self.random.choice(
            (self.say,) * 10 + (self.edit,) * 3 + (self.redact, self.come, self.come, self.go, self.change, self.rename)
        )
        action(name, room)

    def rest(self) -> None:
        """Long enough for the index."""
        self.server.clock.advance(DELAY_S + 1)
        for _ in range(200):
            self.server.clock.advance(0.1)

    def _put(self, name: str, room: str, *segments: str, content: dict[str, Any]) -> str | None:
        self.count += 1
        self.server.clock.advance(0.001)
        url = path("rooms", room, *segments) if segments[0] == "state" else path("rooms", room, *segments, str(self.count))
        status, answer = self.server.run(self.people[name].put(url, content))
        return answer["event_id"] if status == 200 else None

    def _text(self) -> str:
        self.texts.append(sentence(self.random))
        return self.texts[-1]

    def say(self, name: str, room: str) -> None:
        event_id = self._put(name, room, "send", "m.room.message", content={"msgtype": "m.text", "body": self._text()})
        if event_id is not None:
            self.said.append((name, room, event_id))

    def edit(self, name: str, room: str) -> None:
        if self.said:
            author, room, event_id = self.random.choice(self.said[-12:])
            text = self._text()
            content = {
                "body": f"* {text}",
                "m.relates_to": {"rel_type": "m.replace", "event_id": event_id},
                "m.new_content": {"body": text},
            }
            edited = self._put(self.random.choice((author, author, name)), room, "send", "m.room.message", content=content)
            if edited is not None and self.random.random() < 0.3:
                self.said.append((name, room, edited))

    def redact(self, name: str, room: str) -> None:
        if self.said:
            _, room, event_id = self.random.choice(self.said)
            self._put("alice", room, "redact", event_id, content={})

    def come(self, name: str, room: str) -> None:
        self.server.run(self.people[name].post(path("join", room)))

    def go(self, name: str, room: str) -> None:
        if name != "alice":
            self.server.run(self.people[name].post(path("rooms", room, "leave")))

    def change(self, name: str, room: str) -> None:
        visibility = {"history_visibility": self.random.choice(VISIBILITIES)}
        self._put("alice", room, "state", "m.room.history_visibility", content=visibility)

    def rename(self, name: str, room: str) -> None:
        self._put("alice", room, "state", "m.room.name", content={"name": self._text()})

    # ------------------------------------------------------------ reading it

    def everything(self, client: Client) -> dict[str, str]:
        """Event ID → its present text, by paging through all rooms the user is or was in."""
        found = {}
        joined = self.server.ok(client.get(path("joined_rooms")))["joined_rooms"]
        query = {"filter": '{"room":{"include_leave":true,"timeline":{"limit":1}}}'}
        left = self.server.ok(client.get(path("sync"), query))["rooms"].get("leave", {})
        for room in (*joined, *left):
            for event in self.server.ok(client.get(path("rooms", room, "messages"), {"dir": "b", "limit": "1000"}))["chunk"]:
                text = _text(event)
                if isinstance(text, str):
                    found[event["event_id"]] = text
        return found

    def found(self, client: Client, asked: str, order: str) -> list[str]:
        """By a search, page by page."""
        ids: list[str] = []
        wish = {"search_term": asked, "order_by": order, "filter": {"limit": 7}}
        url = path("search")
        while True:
            body = {"search_categories": {"room_events": wish}}
            answer = self.server.ok(client.post(url, body))["search_categories"]["room_events"]
            ids.extend(result["result"]["event_id"] for result in answer["results"])
            if "next_batch" not in answer:
                assert answer["count"] == len(ids)
                return ids
            url = path("search") + "?next_batch=" + answer["next_batch"]

    def check(self) -> None:
        for client in self.people.values():
            everything = self.everything(client)
            for _ in range(6):
                asked = term(self.random, self.random.choice(self.texts))
                expected = sorted(event_id for event_id, text in everything.items() if says(text, asked))
                for order in ("rank", "recent"):
                    assert sorted(self.found(client, asked, order)) == expected, asked


def _text(event: dict[str, Any]) -> Any:
    content = event["content"]
    if event["type"] == "m.room.name":
        return content.get("name")
    if event["type"] != "m.room.message" or content.get("m.relates_to", {}).get("rel_type") == "m.replace":
        return None
    edit = event["unsigned"].get("m.relations", {}).get("m.replace")
    return edit["content"]["m.new_content"].get("body") if edit else content.get("body")


@pytest.mark.parametrize("seed", range(6))
def test_found_is_what_one_would_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    for module in ("storage.finding.search", "homeserver.search.index"):
        monkeypatch.setattr(f"{module}.WHOLE", 4 * EACH)  # small blocks
    server = make_server(tmp_path, seed=seed)
    server.run(server.server.take_up())
    history = History(server, seed)
    for _ in range(3):
        for _ in range(60):
            history.step()
        history.check()
        history.rest()
        history.check()
    blocks = server.run(_value(server, "SELECT count(*) FROM search_blocks"))
    assert blocks > 10
    assert server.run(_value(server, "SELECT count(*) FROM search_stale")) == 0


async def _value(server: TestServer, sql: str) -> Any:
    return await server.database.read(lambda cursor: cursor.value(sql))
