"""Who is notified of an event, and what one was notified about."""

from pathlib import Path
from typing import Any

import pytest

from homeserver.push.verdicts import Notified
from homeserver.rooms.store import StoredEvent
from tests.support.rooms import create_room, join, member, path
from tests.support.server import TestServer, make_server
from tests.sync.unread.test_own_rules import put_rule

SOUND = {"set_tweak": "sound", "value": "default"}
HIGHLIGHT = {"set_tweak": "highlight"}


class World:
    """Alice, Bob and Carol in a room."""

    def __init__(self, tmp_path: Path) -> None:
        self.server: TestServer = make_server(tmp_path)
        self.alice, self.bob, self.carol = (self.server.user(name) for name in ("alice", "bob", "carol"))
        self.room = create_room(self.server, self.alice, preset="public_chat")
        for client in (self.bob, self.carol):
            join(self.server, client, self.room)
        self.sent = 0

    def send(self, content: dict[str, Any], type: str = "m.room.message") -> str:
        self.sent += 1
        where = path("rooms", self.room, "send", type, str(self.sent))
        return str(self.server.ok(self.alice.put(where, content))["event_id"])

    def event(self, event_id: str) -> StoredEvent:
        async def ask() -> StoredEvent:
            return (await self.server.server._parts.rooms.store.events([event_id]))[event_id]

        return self.server.run(ask())

    def notified(self, event_id: str, among: set[str] | None = None) -> dict[str, Notified]:
        found = self.server.run(self.server.server._parts.personal.push.verdicts.notified(self.event(event_id), among))
        return {one.user_id: one for one in found}

    def listed(self, **query: Any) -> dict[str, Any]:
        return dict(self.server.ok(self.bob.get("/_matrix/client/v3/notifications", query)))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_everybody_but_the_sender(world: World) -> None:
    told = world.notified(world.send({"msgtype": "m.text", "body": "hello"}))
    assert {user: one.actions for user, one in told.items()} == {"@bob:test": ("notify",), "@carol:test": ("notify",)}
    assert world.notified(world.send({"msgtype": "m.notice", "body": "hello"})) == {}
    assert set(world.notified(world.send({"body": "x"}), {"@carol:test", "@alice:test"})) == {"@carol:test"}


def test_who_is_mentioned_is_told_louder(world: World) -> None:
    told = world.notified(world.send({"body": "bob", "m.mentions": {"user_ids": ["@bob:test"]}}))
    assert told["@bob:test"].actions == ("notify", SOUND, HIGHLIGHT)
    assert (told["@bob:test"].highlight, told["@bob:test"].sound, told["@bob:test"].tweaks) == (
        True, "default", {"sound": "default", "highlight": True},
    )  # fmt: skip
    assert (told["@carol:test"].highlight, told["@carol:test"].sound) == (False, None)
    told = world.notified(world.send({"body": "all", "m.mentions": {"room": True}}))
    assert {user: one.actions for user, one in told.items()} == dict.fromkeys(("@bob:test", "@carol:test"), ("notify", HIGHLIGHT))


def test_who_has_rules_of_his_own(world: World) -> None:
    put_rule(world.server, world.bob, "room", world.room, {"actions": []})
    put_rule(world.server, world.carol, "content", "x", {"pattern": "cake", "actions": ["notify", {"set_tweak": "sound", "value": "bell"}]})
    told = world.notified(world.send({"body": "there is cake"}))
    assert set(told) == {"@carol:test"}
    assert told["@carol:test"].sound == "bell"
    where = path("user", "@carol:test", "account_data", "m.ignored_user_list")
    world.server.ok(world.carol.put(where, {"ignored_users": {"@alice:test": {}}}))
    assert world.notified(world.send({"body": "more cake"})) == {}


def test_an_invite_is_told_to_the_invited(world: World) -> None:
    world.server.user("dave")
    status, _ = member(world.server, world.alice, world.room, "invite", "@dave:test")
    assert status == 200
    where = path("rooms", world.room, "state", "m.room.member", "@dave:test")
    invite = world.server.ok(world.alice.get(where, {"format": "event"}))["event_id"]
    assert {user: one.actions for user, one in world.notified(invite).items()} == {"@dave:test": ("notify", SOUND)}


def test_an_invite_that_is_ignored_is_told_to_nobody(world: World) -> None:
    dave = world.server.user("dave")
    config = {"ignored_users": ["@alice:*"]}
    world.server.ok(dave.put(path("user", "@dave:test", "account_data", "org.matrix.msc4155.invite_permission_config"), config))
    assert member(world.server, world.alice, world.room, "invite", "@dave:test")[0] == 200
    where = path("rooms", world.room, "state", "m.room.member", "@dave:test")
    invite = world.server.ok(world.alice.get(where, {"format": "event"}))["event_id"]
    assert world.notified(invite) == {}


def test_what_was_redacted_notifies_no_longer(world: World) -> None:
    event_id = world.send({"body": "hello"})
    world.server.ok(world.alice.put(path("rooms", world.room, "redact", event_id, "r"), {}))
    assert world.notified(event_id) == {}
    assert world.listed()["notifications"] == []


def test_pages_of_notifications(world: World) -> None:
    sent = [world.send({"msgtype": "m.text", "body": str(number)}) for number in range(3)]
    sent.append(world.send({"body": "thread", "m.relates_to": {"rel_type": "m.thread", "event_id": sent[0]}}))
    sent.append(world.send({"body": "bob", "m.mentions": {"user_ids": ["@bob:test"]}}))
    world.send({"msgtype": "m.notice", "body": "quiet"})
    world.server.ok(world.bob.post(path("rooms", world.room, "receipt", "m.read", sent[1])))
    first = world.listed(limit=2)
    second = world.listed(limit=2, **{"from": first["next_token"]})
    third = world.listed(limit=2, **{"from": second["next_token"]})
    assert "next_token" not in third
    listed = [one for page in (first, second, third) for one in page["notifications"]]
    assert [one["event"]["event_id"] for one in listed] == sent[::-1]
    assert [one["read"] for one in listed] == [False, False, False, True, True]
    assert [one["actions"] for one in listed] == [["notify", SOUND, HIGHLIGHT], *([["notify"]] * 4)]
    assert {one["room_id"] for one in listed} == {world.room}
    assert "room_id" not in listed[0]["event"]
    (loud,) = world.listed(only="highlight")["notifications"]
    assert loud["event"]["event_id"] == sent[-1]


def test_a_quiet_room_lists_what_called_by_name(world: World) -> None:
    world.send({"body": "hello"})
    called = world.send({"body": "bob", "m.mentions": {"user_ids": ["@bob:test"]}})
    put_rule(world.server, world.bob, "room", world.room, {"actions": []})
    assert [one["event"]["event_id"] for one in world.listed()["notifications"]] == [called]
    world.server.ok(world.bob.post(path("rooms", world.room, "leave")))
    assert world.listed()["notifications"] == []
