"""Unread counts of users with push rules of their own equal a recount by a plain reading of the specification, after any history."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from twisted.internet.defer import gatherResults

from homeserver.streams import Streams
from storage.database import Database
from tests.support.client import Client, start
from tests.support.loop import ThreadLoop
from tests.support.places import on_database, on_file, restarted, slowly
from tests.support.rooms import create_room, join, path
from tests.support.server import TestServer, make_server
from tests.sync.unread.test_unread import Said, World, unread

WORDS = ("cake", "Tea", "pancake", "alice", "bob", "cake_shop", "t-rex")
DEFAULTS = {
    "override": ["master", "suppress_notices", "is_user_mention", "is_room_mention", "tombstone", "reaction", "suppress_edits"],
    "underride": ["call", "encrypted_room_one_to_one", "room_one_to_one", "message", "encrypted"],
}
LOUD = ["notify", {"set_tweak": "highlight"}]
ACTIONS: list[list[Any]] = [[], ["dont_notify"], ["notify"], LOUD, ["notify", {"set_tweak": "highlight", "value": False}], LOUD[1:]]


def pattern_of(glob: str) -> str:
    return "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in glob)


def look_up(event: dict[str, Any], key: str) -> Any:
    value: Any = event
    for name in re.findall(r"(?:\\.|[^.\\])+", key):
        name = re.sub(r"\\([.\\])", r"\1", name)
        if not isinstance(value, dict) or name not in value:
            return ...
        value = value[name]
    return value


class Opinionated(World):
    """People change their push rules, and read what there is when they do."""

    def __init__(self, server: TestServer, seed: int) -> None:
        super().__init__(server, seed)
        self.names = {user: user[1:].partition(":")[0] for user in self.clients}
        self.ignored: dict[str, set[str]] = {user: set() for user in self.clients}
        self.actions.append((6, self.set_rule))
        self.actions.append((4, self.change_default))
        self.actions.append((3, self.forget_rule))
        self.actions.append((1, self.ignore))
        self.rulesets = {user: self.rules_of(user) for user in self.clients}

    def _text(self, **more: Any) -> dict[str, Any]:
        text = {**super()._text(**more), "body": " ".join(self.random.choices(WORDS, k=3))}
        return {**text, "org.example": {"dotted.key": self.random.choice([True, 1, "x"])}} if self.random.random() < 0.2 else text

    def step(self) -> None:
        known = len(self.said)
        super().step()
        for said in self.said[known:]:
            said.verdicts = {user: self.judge(user, said) for user in self.joined}  # type: ignore[attr-defined]

    def recounted(self, said: Said, user: str) -> tuple[bool, bool]:
        silent = said.redacted or said.sender == user
        verdicts: dict[str, tuple[bool, bool]] = said.verdicts  # type: ignore[attr-defined]
        return (False, False) if silent else verdicts[user]

    # ------------------------------------------------------------------ what people do

    def leave(self, user: str) -> None:
        super().leave(user)
        if user not in self.joined:
            self._note_member(user)

    def join(self, user: str) -> None:
        if user not in self.joined:
            super().join(user)
            self._note_member(user)

    def _note_member(self, user: str) -> None:
        where = path("rooms", self.room, "state", "m.room.member", user)
        event = self.server.ok(self.clients["@alice:test"].get(where, {"format": "event"}))
        self.said.append(Said(event["event_id"], user, "m.room.member", event["content"], user))

    def rules_of(self, user: str) -> dict[str, list[dict[str, Any]]]:
        answer = self.server.ok(self.clients[user].get("/_matrix/client/v3/pushrules/global/"))
        return dict(answer)

    def changed(self, user: str) -> None:
        self.rulesets[user] = self.rules_of(user)
        if self.said and user in self.joined:
            self.server.ok(self.clients[user].post(path("rooms", self.room, "receipt", "m.read", self.said[-1].event_id)))
            self.read[user, "m.read", None] = len(self.said) - 1

    def _put(self, user: str, kind: str, name: str, body: dict[str, Any], part: str = "") -> None:
        where = f"/_matrix/client/v3/pushrules/global/{kind}/{quote(name, safe='')}{part}"
        self.server.ok(self.clients[user].put(where, body))
        self.changed(user)

    def set_rule(self, user: str) -> None:
        actions, kind = self.random.choice(ACTIONS), self.random.choice(("override", "content", "room", "sender", "underride"))
        name = self.random.choice("abc")
        body: dict[str, Any] = {"actions": actions}
        if kind == "room":
            name = self.random.choice((self.room, "!other:test"))
        elif kind == "sender":
            name = self.random.choice(list(self.clients))
        elif kind == "content":
            body["pattern"] = self.random.choice(("cake", "t?a*", "*", "T", "*shop"))
        else:
            body["conditions"] = self.random.choices(self.conditions(), k=self.random.randint(0, 2))
        self._put(user, kind, name, body)

    def conditions(self) -> list[dict[str, Any]]:
        return [
            {"kind": "event_match", "key": "room_id", "pattern": self.room},
            {"kind": "event_match", "key": "room_id", "pattern": "!other:*"},
            {"kind": "event_match", "key": "content.body", "pattern": "cake"},
            {"kind": "event_match", "key": "type", "pattern": "m.room.*"},
            {"kind": "event_match", "key": "state_key", "pattern": ""},
            {"kind": "contains_display_name"},
            {"kind": "room_member_count", "is": self.random.choice(("2", "<3", ">=3", "==4"))},
            {"kind": "event_property_is", "key": r"content.org\.example.dotted\.key", "value": True},
            {"kind": "event_property_contains", "key": r"content.m\.mentions.user_ids", "value": "@alice:test"},
            {"kind": "sender_notification_permission", "key": "room"},
            {"kind": "org.example.unknown"},
        ]

    def change_default(self, user: str) -> None:
        kind = self.random.choice(list(DEFAULTS))
        name = ".m.rule." + self.random.choice(DEFAULTS[kind])
        if self.random.random() < 0.5:
            self._put(user, kind, name, {"enabled": name != ".m.rule.master" and self.random.random() < 0.5}, "/enabled")
        else:
            self._put(user, kind, name, {"actions": self.random.choice(ACTIONS)}, "/actions")

    def forget_rule(self, user: str) -> None:
        own = [(kind, rule["rule_id"]) for kind, rules in self.rulesets[user].items() for rule in rules if not rule["default"]]
        if own:
            kind, name = self.random.choice(own)
            self.server.ok(self.clients[user].delete(f"/_matrix/client/v3/pushrules/global/{kind}/{quote(name, safe='')}"))
            self.changed(user)

    def ignore(self, user: str) -> None:
        ignored = self.ignored[user] = set(self.random.sample(list(self.clients), self.random.choice((0, 0, 1))))
        where = path("user", user, "account_data", "m.ignored_user_list")
        self.server.ok(self.clients[user].put(where, {"ignored_users": {other: {} for other in ignored}}))
        self.changed(user)

    # ------------------------------------------------------------------ the plain reading

    def judge(self, user: str, said: Said) -> tuple[bool, bool]:
        event = {"type": said.type, "sender": said.sender, "room_id": self.room, "content": said.content}
        if said.state_key is not None:
            event["state_key"] = said.state_key
        if said.sender in self.ignored[user] - {user}:
            return False, False
        for kind in ("override", "content", "room", "sender", "underride"):
            for rule in self.rulesets[user][kind]:
                if rule["enabled"] and self.matches(user, kind, rule, event, self.powers.get(said.sender, 0)):
                    return self.meaning(rule["actions"])
        return False, False

    def meaning(self, actions: list[Any]) -> tuple[bool, bool]:
        tweaks = {action["set_tweak"]: action.get("value", True) for action in actions if isinstance(action, dict)}
        return ("notify" in actions, bool(tweaks.get("highlight"))) if "notify" in actions else (False, False)

    def matches(self, user: str, kind: str, rule: dict[str, Any], event: dict[str, Any], power: int) -> bool:
        if kind == "room":
            return bool(event["room_id"] == rule["rule_id"])
        if kind == "sender":
            return bool(event["sender"] == rule["rule_id"])
        conditions = (
            rule["conditions"] if kind != "content" else [{"kind": "event_match", "key": "content.body", "pattern": rule["pattern"]}]
        )
        return all(self.holds(user, condition, event, power) for condition in conditions)

    def holds(self, user: str, condition: dict[str, Any], event: dict[str, Any], power: int) -> bool:
        found = look_up(event, condition["key"]) if "key" in condition else ...
        match condition["kind"]:
            case "event_match":
                return isinstance(found, str) and self.glob(condition["pattern"], found, words=condition["key"] == "content.body")
            case "contains_display_name":
                body = event["content"].get("body")
                return isinstance(body, str) and bool(
                    re.search(rf"(?:^|\W){re.escape(self.names[user])}(?:\W|$)", body, re.IGNORECASE | re.ASCII)
                )
            case "room_member_count":
                operator, number = re.fullmatch(r"(\D*)(\d+)", condition["is"]).groups()  # type: ignore[union-attr]
                count, limit = len(self.joined), int(number)
                return {"": count == limit, "==": count == limit, "<": count < limit, ">=": count >= limit}[operator]
            case "event_property_is":
                return type(found) is type(condition["value"]) and bool(found == condition["value"])
            case "event_property_contains":
                return isinstance(found, list) and condition["value"] in found
            case "sender_notification_permission":
                return power >= self.room_power
        return False

    def glob(self, glob: str, text: str, *, words: bool) -> bool:
        if words:
            return bool(re.search(rf"(?:^|\W){pattern_of(glob)}(?:\W|$)", text, re.IGNORECASE | re.DOTALL | re.ASCII))
        return bool(re.fullmatch(pattern_of(glob), text, re.IGNORECASE | re.DOTALL))


@pytest.mark.parametrize("seed", range(100, 116))
def test_counts_equal_a_recount(tmp_path: Path, seed: int) -> None:
    world = Opinionated(make_server(tmp_path), seed)
    since: dict[tuple[str, bool], str | None] = {}
    for step in range(160):
        world.step()
        if step % 6 == 5:
            world.check(since)


@pytest.mark.parametrize("seed", range(150, 152))
def test_over_restarts(tmp_path: Path, seed: int) -> None:
    world = Opinionated(on_file(tmp_path), seed)
    since: dict[tuple[str, bool], str | None] = {}
    for turn in range(3):
        for _ in range(50):
            world.step()
        world.check(since)
        world.server = restarted(world.server, tmp_path, seed=turn + 1)
        world.clients = {user: world.server.client.with_token(client.token) for user, client in world.clients.items()}
        world.check(since)


@pytest.mark.parametrize("seed", [160, 161])
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_on_a_database_server(tmp_path: Path, database: Database, streams: Streams, loop: ThreadLoop, seed: int) -> None:
    world = Opinionated(on_database(tmp_path, database, streams, loop, seed=seed), seed)
    since: dict[tuple[str, bool], str | None] = {}
    for step in range(90):
        world.step()
        if step % 15 == 14:
            world.check(since)


def put_rule(server: TestServer, client: Client, kind: str, name: str, body: dict[str, Any]) -> None:
    server.ok(client.put(f"/_matrix/client/v3/pushrules/global/{kind}/{quote(name, safe='')}", body))


def test_a_room_that_is_muted_shows_its_mentions_alone_and_all_again_afterwards(tmp_path: Path) -> None:
    """A room is quiet or not by what holds now; so the count falls when it is muted."""
    server = make_server(tmp_path)
    alice, bob = server.user("alice"), server.user("bob")
    room = create_room(server, alice, preset="public_chat")
    join(server, bob, room)
    for number, mentions in enumerate(({}, {"user_ids": ["@bob:test"]}, {})):
        content = {"msgtype": "m.text", "body": "hello", "m.mentions": mentions}
        server.ok(alice.put(path("rooms", room, "send", "m.room.message", str(number)), content))
    assert unread(server, bob, room) == (3, 1)
    create_room(server, bob)
    since = server.ok(bob.get(path("sync")))["next_batch"]
    put_rule(server, bob, "room", room, {"actions": []})
    assert unread(server, bob, room) == (1, 1)
    told = server.ok(bob.get(path("sync"), {"since": since}))["rooms"]["join"]
    assert told[room]["unread_notifications"] == {"highlight_count": 1, "notification_count": 1}
    assert set(told) == {room}
    server.ok(bob.delete(f"/_matrix/client/v3/pushrules/global/room/{quote(room)}"))
    assert unread(server, bob, room) == (3, 1)


@pytest.mark.parametrize("seed", range(4))
def test_who_comes_in_is_asked_at_once(tmp_path: Path, seed: int) -> None:
    """The next event may be built before the join is on disk; and the room's listeners may be known already, or not."""
    server = slowly(tmp_path, seed=seed)
    alice, bob = server.user("alice"), server.user("bob")
    put_rule(server, bob, "content", "cake", {"pattern": "cake", "actions": LOUD})
    room = create_room(server, alice, preset="public_chat")

    async def together(round: int) -> None:
        begun = [start(bob.post(path("join", room), {}))]
        for number in range(6):
            where = path("rooms", room, "send", "m.room.message", f"{round}.{number}")
            begun.append(start(alice.put(where, {"msgtype": "m.text", "body": "cake"})))
        assert {status for status, _ in await gatherResults(begun)} == {200}

    for round in range(3):
        server.run(together(round))
        notified, highlighted = unread(server, bob, room)
        assert notified == highlighted
        server.ok(alice.put(path("rooms", room, "send", "m.room.message", f"{round}"), {"msgtype": "m.text", "body": "cake"}))
        assert unread(server, bob, room) == (notified + 1, notified + 1)
        if round == 1:
            server.server._parts.rooms.writing.listeners._rooms.clear()
        server.ok(bob.post(path("rooms", room, "leave")))
