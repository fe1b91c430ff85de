"""Push rules over the client API: what clients write, read and are told."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from homeserver.push import shapes
from tests.support.client import Client
from tests.support.places import on_file, restarted
from tests.support.rooms import create_room, join, path, refused
from tests.support.server import TestServer, make_server

GLOBAL = "/_matrix/client/v3/pushrules/global"


class Person:
    def __init__(self, server: TestServer, client: Client) -> None:
        self.server = server
        self.client = client

    def put(self, kind: str, name: str, body: dict[str, Any], query: dict[str, str] | None = None) -> tuple[int, Any]:
        where = f"{GLOBAL}/{kind}/{quote(name, safe='')}"
        if query:
            where += "?" + "&".join(f"{key}={value}" for key, value in query.items())
        return self.server.run(self.client.put(where, body))

    def set(self, kind: str, name: str, part: str, value: Any) -> tuple[int, Any]:
        return self.server.run(self.client.put(f"{GLOBAL}/{kind}/{quote(name, safe='')}/{part}", {part: value}))

    def remove(self, kind: str, name: str) -> tuple[int, Any]:
        return self.server.run(self.client.delete(f"{GLOBAL}/{kind}/{quote(name, safe='')}"))

    def names(self, kind: str) -> list[str]:
        rules = self.server.ok(self.client.get(GLOBAL + "/"))[kind]
        return [rule["rule_id"] for rule in rules]

    def rule(self, kind: str, name: str) -> dict[str, Any]:
        return dict(self.server.ok(self.client.get(f"{GLOBAL}/{kind}/{quote(name, safe='')}")))


@pytest.fixture
def alice(tmp_path: Path) -> Person:
    server = make_server(tmp_path)
    return Person(server, server.user("alice"))


def test_new_rules_stand_on_top_or_where_they_are_told_to(alice: Person) -> None:
    for name in ("a", "b"):
        assert alice.put("content", name, {"pattern": name, "actions": []}) == (200, {})
    assert alice.names("content") == ["b", "a"]
    alice.put("content", "c", {"pattern": "c", "actions": []}, {"before": "a"})
    assert alice.names("content") == ["b", "c", "a"]
    alice.put("content", "d", {"pattern": "d", "actions": []}, {"after": "a"})
    assert alice.names("content") == ["b", "c", "a", "d"]
    alice.put("content", "d", {"pattern": "d", "actions": []}, {"before": "b", "after": "a"})
    assert alice.names("content") == ["d", "b", "c", "a"]
    alice.put("content", "c", {"pattern": "changed", "actions": ["notify"]})
    assert alice.names("content") == ["d", "b", "c", "a"]
    assert alice.rule("content", "c") == {"rule_id": "c", "default": False, "enabled": True, "pattern": "changed", "actions": ["notify"]}
    assert alice.remove("content", "b") == (200, {})
    assert alice.names("content") == ["d", "c", "a"]
    refused(alice.remove("content", "b"), 404, "M_NOT_FOUND")


def test_own_rules_stand_between_the_master_rule_and_the_others(alice: Person) -> None:
    alice.put("override", "mine", {"actions": [], "conditions": []})
    assert alice.names("override")[:3] == [".m.rule.master", "mine", ".m.rule.suppress_notices"]
    alice.put("underride", "mine", {"actions": []})
    assert alice.names("underride")[:2] == ["mine", ".m.rule.call"]
    assert alice.rule("underride", "mine")["conditions"] == []


@pytest.mark.parametrize(
    ("kind", "name", "body", "query", "status", "errcode"),
    [
        ("other", "a", {"actions": []}, {}, 400, "M_INVALID_PARAM"), ("override", ".a", {"actions": []}, {}, 400, "M_INVALID_PARAM"),
        ("override", "a/b", {"actions": []}, {}, 400, "M_INVALID_PARAM"), ("override", "a\\b", {"actions": []}, {}, 400, "M_INVALID_PARAM"),
        ("content", "a", {"actions": []}, {}, 400, "M_INVALID_PARAM"), ("content", "a", {"actions": [], "pattern": 1}, {}, 400, "M_BAD_JSON"),
        ("content", "a", {"actions": [], "pattern": "x" * 256}, {}, 400, "M_INVALID_PARAM"),
        ("room", "!a", {}, {}, 400, "M_MISSING_PARAM"), ("room", "!a", {"actions": ["shout"]}, {}, 400, "M_INVALID_PARAM"),
        ("room", "!a", {"actions": [{}]}, {}, 400, "M_INVALID_PARAM"), ("room", "!a", {"actions": [1]}, {}, 400, "M_BAD_JSON"),
        ("override", "a", {"actions": [], "conditions": [{}]}, {}, 400, "M_MISSING_PARAM"),
        ("override", "a", {"actions": [], "conditions": [{"kind": "x", "more": "y" * 9000}]}, {}, 413, "M_TOO_LARGE"),
        ("override", "a", {"actions": []}, {"before": ".m.rule.master"}, 400, "M_UNKNOWN"),
        ("override", "a", {"actions": []}, {"after": "nobody"}, 400, "M_UNKNOWN"),
        ("override", "a", {"actions": []}, {"before": "a"}, 400, "M_UNKNOWN"),
    ],
)  # fmt: skip
def test_what_is_no_rule(
    alice: Person, kind: str, name: str, body: dict[str, Any], query: dict[str, str], status: int, errcode: str
) -> None:
    before = alice.server.ok(alice.client.get(GLOBAL + "/"))
    refused(alice.put(kind, name, body, query), status, errcode)
    assert alice.server.ok(alice.client.get(GLOBAL + "/")) == before


def test_default_rules_are_changed_and_never_removed(alice: Person) -> None:
    assert alice.set("underride", ".m.rule.message", "actions", []) == (200, {})
    assert alice.set("override", ".m.rule.master", "enabled", True) == (200, {})
    assert alice.rule("underride", ".m.rule.message")["actions"] == []
    assert alice.rule("override", ".m.rule.master")["enabled"] is True
    refused(alice.set("underride", ".m.rule.master", "enabled", True), 404, "M_NOT_FOUND")
    refused(alice.set("override", "nobody", "actions", []), 404, "M_NOT_FOUND")
    refused(alice.remove("override", ".m.rule.master"), 404, "M_NOT_FOUND")
    alice.put("room", "!a:test", {"actions": []})
    alice.set("room", "!a:test", "enabled", False)
    alice.put("room", "!a:test", {"actions": ["notify"]})
    assert alice.rule("room", "!a:test")["enabled"] is False


def test_there_are_so_many_and_no_more(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shapes.MAX_RULES == 1_000
    monkeypatch.setattr(shapes, "MAX_RULES", 2)
    for name in ("!a", "!b", "!b"):
        assert alice.put("room", name, {"actions": []})[0] == 200
    refused(alice.put("room", "!c", {"actions": []}), 413, "M_TOO_LARGE")


def test_a_change_is_told_once_with_all_rules(tmp_path: Path) -> None:
    server = on_file(tmp_path)
    alice = Person(server, server.user("alice"))
    since = server.ok(alice.client.get(path("sync")))["next_batch"]
    alice.put("sender", "@bob:test", {"actions": []})
    answer = server.ok(alice.client.get(path("sync"), {"since": since}))
    (event,) = answer["account_data"]["events"]
    assert event["type"] == "m.push_rules"
    assert event["content"] == server.ok(alice.client.get("/_matrix/client/v3/pushrules/"))
    alice.put("sender", "@bob:test", {"actions": []})  # the same again is no change
    assert "account_data" not in server.ok(alice.client.get(path("sync"), {"since": answer["next_batch"]}))
    server = restarted(server, tmp_path, seed=1)
    client = server.client.with_token(alice.client.token)
    told = {event["type"]: event["content"] for event in server.ok(client.get(path("sync")))["account_data"]["events"]}
    assert told["m.push_rules"] == event["content"]


def test_rules_about_a_room_go_along_to_its_successor(tmp_path: Path) -> None:
    server = make_server(tmp_path)
    alice, bob = Person(server, server.user("alice")), Person(server, server.user("bob"))
    room = create_room(server, alice.client, preset="public_chat")
    join(server, bob.client, room)
    for person in (alice, bob):
        person.put("room", room, {"actions": []})
    new = server.ok(alice.client.post(path("rooms", room, "upgrade"), {"new_version": "11"}))["replacement_room"]
    assert alice.names("room") == [new, room]
    join(server, bob.client, new)
    assert bob.names("room") == [new, room]
    assert bob.rule("room", new)["actions"] == []
