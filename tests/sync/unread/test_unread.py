"""Unread counts equal a recount from the events alone, after any history, by each way they are asked for, and over restarts."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.support.client import Client
from tests.support.places import on_file, restarted
from tests.support.rooms import create_room, join, path
from tests.support.server import TestServer, make_server

NAMES = ("alice", "bob", "carol", "dave")
NOTIFYING = ("m.room.message", "m.room.encrypted", "m.call.invite", "org.matrix.msc3381.poll.start")
Counts = tuple[int, int]


class Said:
    """An event as the recount sees it."""

    def __init__(
        self, event_id: str, sender: str, type: str, content: dict[str, Any], state_key: str | None = None, power: int = 0
    ) -> None:
        self.event_id = event_id
        self.sender = sender
        self.type = type
        self.content = content
        self.state_key = state_key
        self.power = power  # the sender's, when it was sent
        self.redacted = False
        self.thread: str | None = None

    def counts_for(self, user: str, room_power: int) -> tuple[bool, bool]:
        """(notifies, highlights) by the default push rules, in their order."""
        if self.redacted or self.sender == user:
            return False, False
        if self.content.get("msgtype") == "m.notice":
            return False, False
        if self.type == "m.room.member":
            return False, False
        mentions = self.content.get("m.mentions", {})
        if user in mentions.get("user_ids", ()):
            return True, True
        if mentions.get("room") is True and self.power >= room_power:
            return True, True
        if self.type == "m.room.tombstone" and self.state_key == "":
            return True, True
        if self.type == "m.reaction" or self.content.get("m.relates_to", {}).get("rel_type") == "m.replace":
            return False, False
        return self.type in NOTIFYING and self.state_key is None, False


class World:
    """A room, what was said in it, and who has read what."""

    def __init__(self, server: TestServer, seed: int) -> None:
        self.server = server
        self.random = Random(seed)
        self.clients = {f"@{name}:test": server.user(name) for name in NAMES}
        self.room_power = 50
        self.powers = {"@alice:test": 100}
        levels = {"users": {"@alice:test": 100}, "notifications": {"room": self.room_power}, "redact": 0, "state_default": 0, "events": {}}
        self.room = create_room(
            server, self.clients["@alice:test"], preset="public_chat", room_version="11", power_level_content_override=levels
        )
        self.said: list[Said] = []
        self.joined: dict[str, int] = {}  # user → how much was said when he came in
        self.read: dict[tuple[str, str, str | None], int] = {}  # (user, type, thread) → index of the event, as far as any
        for user, client in self.clients.items():
            if user != "@alice:test":
                join(server, client, self.room)
            self.joined[user] = 0
        self.actions: list[tuple[int, Callable[[str], None]]] = [
            (12, self.message), (8, self.thread), (4, self.notice), (4, self.edit), (3, self.refer), (4, self.react), (5, self.mention), (4, self.call_room),
            (3, self.redact), (9, self.receipt), (2, self.leave), (3, self.join), (1, self.tombstone), (2, self.topic),
        ]  # fmt: skip

    def step(self) -> None:
        self.server.clock.advance(0.01)
        user = self.random.choice(list(self.clients))
        action = self.random.choices([action for _, action in self.actions], [weight for weight, _ in self.actions])[0]
        if user in self.joined or action == self.join:
            action(user)

    def _say(self, user: str, type: str, content: dict[str, Any]) -> None:
        where = path("rooms", self.room, "send", type, str(len(self.said)) + user)
        answer = self.server.ok(self.clients[user].put(where, content))
        said = Said(answer["event_id"], user, type, content, power=self.powers.get(user, 0))
        said.thread = self._thread(content.get("m.relates_to", {}))
        self.said.append(said)

    def _thread(self, relation: dict[str, Any]) -> str | None:
        """Whose relation is another stands where its parent stands."""
        if relation.get("rel_type") in (None, "m.thread"):
            return relation.get("event_id")
        return next((said.thread for said in self.said if said.event_id == relation["event_id"]), None)

    def _state(self, user: str, type: str, content: dict[str, Any]) -> None:
        answer = self.server.ok(self.clients[user].put(path("rooms", self.room, "state", type, ""), content))
        self.said.append(Said(answer["event_id"], user, type, content, ""))

    def _any(self) -> Said | None:
        known = [said for said in self.said if said.state_key is None]
        return self.random.choice(known) if known else None

    def _text(self, **more: Any) -> dict[str, Any]:
        return {"msgtype": "m.text", "body": f"{len(self.said)}", **more}

    def message(self, user: str) -> None:
        type_ = self.random.choice((*NOTIFYING, "m.room.message", "m.sticker", "org.example"))
        self._say(user, type_, self._text())

    def notice(self, user: str) -> None:
        mentions = {"m.mentions": {"user_ids": list(self.clients)}} if self.random.random() < 0.3 else {}
        self._say(user, "m.room.message", {**self._text(**mentions), "msgtype": "m.notice"})

    def mention(self, user: str) -> None:
        others = self.random.sample(list(self.clients), self.random.randint(1, 3))
        self._say(user, self.random.choice(("m.room.message", "org.example")), self._text(**{"m.mentions": {"user_ids": others}}))

    def call_room(self, user: str) -> None:
        self._say(user, "m.room.message", self._text(**{"m.mentions": {"room": self.random.choice((True, True, "yes"))}}))

    def thread(self, user: str) -> None:
        roots = [said for said in self.said if said.state_key is None and "m.relates_to" not in said.content]
        if roots:
            root = self.random.choice(roots[-4:])
            relation = {"m.relates_to": {"rel_type": "m.thread", "event_id": root.event_id}}
            mentions = {"m.mentions": {"user_ids": [self.random.choice(list(self.clients))]}} if self.random.random() < 0.3 else {}
            self._say(user, "m.room.message", self._text(**relation, **mentions))

    def edit(self, user: str) -> None:
        target = self._any()
        if target is not None:
            mentions = {"m.mentions": {"user_ids": [self.random.choice(list(self.clients))]}} if self.random.random() < 0.3 else {}
            relation = {"m.relates_to": {"rel_type": "m.replace", "event_id": target.event_id}}
            self._say(user, "m.room.message", self._text(**relation, **mentions, **{"m.new_content": {"body": "edited"}}))

    def refer(self, user: str) -> None:
        target = self._any()
        if target is not None:
            self._say(user, "m.room.message", self._text(**{"m.relates_to": {"rel_type": "m.reference", "event_id": target.event_id}}))

    def react(self, user: str) -> None:
        target = self._any()
        if target is not None:
            self._say(
                user, "m.reaction", {"m.relates_to": {"rel_type": "m.annotation", "event_id": target.event_id, "key": str(len(self.said))}}
            )

    def tombstone(self, user: str) -> None:
        self._state(user, "m.room.tombstone", {"body": str(len(self.said))})

    def topic(self, user: str) -> None:
        self._state(user, "m.room.topic", {"topic": str(len(self.said))})

    def redact(self, user: str) -> None:
        target = self._any()
        if target is not None:
            where = path("rooms", self.room, "redact", target.event_id, str(len(self.said)) + user)
            answer = self.server.ok(self.clients[user].put(where, {}))
            target.redacted = True
            self.said.append(Said(answer["event_id"], user, "m.room.redaction", {}))

    def receipt(self, user: str) -> None:
        index = self.random.randrange(len(self.said)) if self.said else None
        if index is None:
            return
        event = self.said[index]
        kind = self.random.choice(("m.read", "m.read.private"))
        body: dict[str, Any] = {}
        thread: str | None = None
        if self.random.random() < 0.6:
            thread = event.thread or "main"
            body = {"thread_id": thread}
        status, _ = self.server.run(self.clients[user].post(path("rooms", self.room, "receipt", kind, event.event_id), body))
        if status == 200:
            key = (user, kind, thread)
            self.read[key] = max(self.read.get(key, -1), index)

    def leave(self, user: str) -> None:
        if user != "@alice:test":
            self.server.ok(self.clients[user].post(path("rooms", self.room, "leave")))
            del self.joined[user]

    def join(self, user: str) -> None:
        if user not in self.joined:
            join(self.server, self.clients[user], self.room)
            self.joined[user] = len(self.said)

    # ------------------------------------------------------------------ the recount

    def recount(self, user: str) -> dict[str | None, Counts]:
        """Thread (None: main) → (notifications, highlights)."""
        found: dict[str | None, Counts] = {}
        for index, said in enumerate(self.said):
            thread = said.thread
            if index < self.joined[user] or index <= self._read_up_to(user, thread):
                continue
            notifies, highlights = self.recounted(said, user)
            if notifies:
                before = found.get(thread, (0, 0))
                found[thread] = (before[0] + 1, before[1] + highlights)
        return found

    def recounted(self, said: Said, user: str) -> Counts:
        """Whether it notifies, whether it highlights."""
        return said.counts_for(user, self.room_power)

    def _read_up_to(self, user: str, thread: str | None) -> int:
        marks = [self.read.get((user, kind, name), -1) for kind in ("m.read", "m.read.private") for name in (None, thread or "main")]
        own = [
            index
            for index, said in enumerate(self.said)
            if said.sender == user and said.thread == thread and index >= self.joined[user] and self._is_message(said)
        ]
        return max([*marks, *own])

    def _is_message(self, said: Said) -> bool:
        """What shows that its sender has read: an event of the kinds that notify everyone else. That it was redacted changes nothing."""
        if said.type == "m.room.tombstone":
            return True
        quiet = said.content.get("msgtype") == "m.notice" or said.content.get("m.relates_to", {}).get("rel_type") == "m.replace"
        return said.type in NOTIFYING and not quiet

    def check(self, since: dict[tuple[str, bool], str | None]) -> None:
        for user in self.joined:
            counts = self.recount(user)
            for threads in (False, True):
                self._check(user, counts, threads=threads, since=None)
                since[user, threads] = self._check(user, counts, threads=threads, since=since.get((user, threads)))

    def _check(self, user: str, counts: dict[str | None, Counts], *, threads: bool, since: str | None) -> str:
        wanted = {"room": {"timeline": {"unread_thread_notifications": threads}}}
        query = {"filter": json.dumps(wanted), "since": since, "full_state": since is not None}
        answer = self.server.ok(self.clients[user].get(path("sync"), query))
        room = answer["rooms"]["join"][self.room]
        main = counts.get(None, (0, 0)) if threads else tuple(map(sum, zip(*counts.values(), strict=True))) if counts else (0, 0)
        found = room["unread_notifications"]
        assert (found["notification_count"], found["highlight_count"]) == main, (user, counts)
        if threads:
            told = {
                root: (count["notification_count"], count["highlight_count"])
                for root, count in room.get("unread_thread_notifications", {}).items()
            }
            assert told == {root: count for root, count in counts.items() if root is not None}, user
        else:
            assert "unread_thread_notifications" not in room
        return str(answer["next_batch"])


@pytest.mark.parametrize("seed", range(12))
def test_counts_equal_a_recount(tmp_path: Path, seed: int) -> None:
    world = World(make_server(tmp_path), seed)
    since: dict[tuple[str, bool], str | None] = {}
    for step in range(120):
        world.step()
        if step % 6 == 5:
            world.check(since)


@pytest.mark.parametrize("seed", range(50, 52))
def test_over_restarts(tmp_path: Path, seed: int) -> None:
    world = World(on_file(tmp_path), seed)
    since: dict[tuple[str, bool], str | None] = {}
    for turn in range(3):
        for _ in range(40):
            world.step()
        world.check(since)
        world.server = restarted(world.server, tmp_path, seed=turn + 1)
        world.clients = {user: world.server.client.with_token(client.token) for user, client in world.clients.items()}
        world.check(since)


def unread(server: TestServer, client: Client, room: str) -> Counts:
    found = server.ok(client.get(path("sync")))["rooms"]["join"][room]["unread_notifications"]
    return found["notification_count"], found["highlight_count"]


def test_a_message_of_ones_own_marks_what_was_before_it_as_read(tmp_path: Path) -> None:
    """Client-server API, "Marking notifications as read": by the API or by sending an event."""
    server = make_server(tmp_path)
    alice, bob = server.user("alice"), server.user("bob")
    room = create_room(server, alice, preset="public_chat")
    join(server, bob, room)
    for number in range(3):
        server.ok(alice.put(path("rooms", room, "send", "m.room.message", str(number)), {"body": "hello"}))
    assert unread(server, bob, room) == (3, 0)
    server.ok(bob.put(path("rooms", room, "send", "m.room.message", "mine"), {"body": "hi"}))
    assert unread(server, bob, room) == (0, 0)
    assert unread(server, alice, room) == (1, 0)


def test_the_count_is_in_the_answer_that_shows_the_event(tmp_path: Path) -> None:
    server = make_server(tmp_path)
    alice, bob = server.user("alice"), server.user("bob")
    room = create_room(server, alice, preset="public_chat")
    join(server, bob, room)
    answer = server.ok(bob.get(path("sync")))
    since = answer["next_batch"]
    for number in range(1, 4):
        server.ok(alice.put(path("rooms", room, "send", "m.room.message", str(number)), {"body": "hello"}))
        answer = server.ok(bob.get(path("sync"), {"since": since}))
        since = answer["next_batch"]
        assert answer["rooms"]["join"][room]["unread_notifications"]["notification_count"] == number
    event_id = answer["rooms"]["join"][room]["timeline"]["events"][0]["event_id"]
    server.ok(bob.post(path("rooms", room, "receipt", "m.read", event_id)))
    answer = server.ok(bob.get(path("sync"), {"since": since}))
    assert answer["rooms"]["join"][room]["unread_notifications"]["notification_count"] == 0
