"""What compiled rules say, and what of it needs no asking."""

from itertools import product
from typing import Any

import pytest

from homeserver.protocol.auth_rules import PowerLevels
from homeserver.protocol.push.changes import Changes, place, set_default, whole
from homeserver.protocol.push.conditions import Occasion, compile_condition, path_of
from homeserver.protocol.push.rules import RoomRules, compile_rules, of_room, rooms_named, verdict
from homeserver.protocol.room_versions import ROOM_VERSIONS
from homeserver.rooms.notice import notice_of

BOB, ALICE, ROOM = "@bob:test", "@alice:test", "!room:test"
LEVELS = PowerLevels({"users": {ALICE: 50}}, frozenset(), None, ROOM_VERSIONS["11"])


def occasion(type: str, content: dict[str, Any], state_key: str | None = None, sender: str = ALICE, count: int = 3) -> Occasion:
    event = {"type": type, "sender": sender, "room_id": ROOM, "content": content}
    if state_key is not None:
        event["state_key"] = state_key
    return Occasion(event, count, LEVELS)


def test_default_rules_say_what_the_quick_look_says() -> None:
    rules = compile_rules(whole(BOB, {}))
    types: tuple[str, ...] = (
        "m.room.message",
        "m.room.encrypted",
        "m.call.invite",
        "m.reaction",
        "m.room.tombstone",
        "m.room.member",
        "m.room.topic",
        "x",
    )
    types = (*types, *(f"org.matrix.msc3381.poll.{moment}" for moment in ("start", "response", "end")))
    mentions: list[Any] = [None, {}, {"user_ids": [BOB]}, {"user_ids": [ALICE]}, {"room": True}, {"room": 1}, "x"]
    relations: list[Any] = [None, {"rel_type": "m.replace"}, {"rel_type": "m.thread"}]
    for type_, state_key, mention, relation, msgtype, sender, count in product(
        types, (None, "", "x"), mentions, relations, (None, "m.notice", "m.text"), (ALICE, "@carol:test"), (2, 3)
    ):
        given = {"m.mentions": mention, "m.relates_to": relation, "msgtype": msgtype}
        content = {key: value for key, value in given.items() if value is not None}
        found = verdict(rules, occasion(type_, content, state_key, sender, count), "Bob")
        notice = notice_of(type_, state_key, content)
        called = BOB in notice.mentions or (notice.room and (sender == ALICE or (type_ == "m.room.tombstone" and state_key == "")))
        assert found == (notice.notifies or called, called), (type_, state_key, content, sender)


def changed(kind: str, rule: dict[str, Any]) -> Changes:
    changes: Changes = {}
    place(changes, kind, {"enabled": True, **rule}, None, None)
    return changes


def quiet_defaults(*names: str) -> Changes:
    changes: Changes = {}
    for name in names:
        set_default(BOB, changes, "underride", f".m.rule.{name}", "actions", [])
    return changes


def level(changes: Changes) -> RoomRules:
    return of_room(compile_rules(whole(BOB, changes)), ROOM, BOB)


ALL = ("encrypted_room_one_to_one", "room_one_to_one", "message", "encrypted")


@pytest.mark.parametrize(
    ("changes", "differs", "quiet", "on_messages", "on_calls"),
    [
        ({}, False, False, False, False),
        (changed("room", {"rule_id": "!other:test", "actions": []}), False, False, False, False),
        (changed("room", {"rule_id": ROOM, "actions": []}), True, True, False, False),
        (changed("room", {"rule_id": ROOM, "actions": ["notify"]}), True, False, False, False),
        (changed("override", {"rule_id": "x", "actions": [], "conditions": [
            {"kind": "event_match", "key": "room_id", "pattern": ROOM}]}), True, True, False, True),
        (changed("override", {"rule_id": "x", "actions": ["notify"], "conditions": [{"kind": "org.example"}]}), False, False, False, False),
        (changed("content", {"rule_id": "x", "pattern": "cake", "actions": ["notify"]}), True, False, False, False),
        (changed("content", {"rule_id": "x", "pattern": "cake", "actions": []}), True, False, True, False),
        (quiet_defaults(*ALL), True, True, False, False),
        (quiet_defaults("message", "encrypted"), True, True, True, False),
        (quiet_defaults("message", "room_one_to_one"), True, True, True, False),
        (quiet_defaults("call"), True, False, False, False),
        ({"set": {".m.rule.master": {"enabled": True}}}, True, True, False, True),
    ],
)  # fmt: skip
def test_what_has_to_be_asked_of_whom(changes: Changes, differs: bool, quiet: bool, on_messages: bool, on_calls: bool) -> None:
    found = level(changes)
    assert (found.differs, found.quiet, found.on_messages, found.on_calls) == (differs, quiet, on_messages, on_calls)


def test_rooms_that_rules_name() -> None:
    def named(pattern: str) -> frozenset[str] | None:
        conditions = [{"kind": "event_match", "key": "room_id", "pattern": pattern}]
        return rooms_named(compile_rules(whole(BOB, changed("override", {"rule_id": "x", "actions": [], "conditions": conditions}))))

    assert named("!A:test") == frozenset({"!a:test"})
    assert named("!a*") is None


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"kind": "event_property_is", "key": "content.n", "value": 1}, True), ({"kind": "event_property_is", "key": "content.n", "value": True}, False),
        ({"kind": "event_property_is", "key": "content.none", "value": None}, True), ({"kind": "event_property_is", "key": "content.x"}, False),
        ({"kind": "event_property_is", "key": "content.list", "value": [1]}, False),
        ({"kind": "event_property_is", "key": r"content.a\.b", "value": "c"}, True),
        ({"kind": "event_property_contains", "key": "content.list", "value": 1}, True),
        ({"kind": "event_property_contains", "key": "content.list", "value": True}, False),
        ({"kind": "event_match", "key": "content.n", "pattern": "*"}, False), ({"kind": "event_match", "key": "type", "pattern": "M.*"}, True),
        ({"kind": "room_member_count", "is": ">2"}, True), ({"kind": "room_member_count", "is": "<=2"}, False),
        ({"kind": "room_member_count", "is": "3"}, True),
        ({"kind": "room_member_count", "is": "three"}, False), ({"kind": "room_member_count", "is": 3}, False),
        ({"kind": "sender_notification_permission", "key": "room"}, True),
        ({"kind": "contains_display_name"}, True), ({"kind": "event_match", "key": "type"}, False), ({}, False), ("x", False),
    ],
)  # fmt: skip
def test_conditions(condition: Any, holds: bool) -> None:
    content = {"n": 1, "none": None, "list": [1, "x"], "a.b": "c", "body": "hey b.b*?, how are you"}
    assert compile_condition(condition).holds(occasion("m.test", content), "B.b*?") is holds


def test_paths() -> None:
    assert path_of(r"content.m\.relates_to.a\\b.\x") == ("content", "m.relates_to", "a\\b", "\\x")
    assert path_of(".") == ("", "")
    assert path_of("." * 100) is None
