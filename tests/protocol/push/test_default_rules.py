"""The predefined push rules: complete, in order, about the user they are for."""

from typing import Any

from homeserver.protocol.push.default_rules import KINDS, default_rules

ALICE = "@alice:example.org"
OVERRIDES = (
    "master",
    "suppress_notices",
    "invite_for_me",
    "member_event",
    "is_user_mention",
    "is_room_mention",
    "tombstone",
    "reaction",
    "room.server_acl",
    "suppress_edits",
)
UNDERRIDES = ("call", "encrypted_room_one_to_one", "room_one_to_one", "message", "encrypted")
POLLS = "poll_start_one_to_one", "poll_end_one_to_one", "poll_start", "poll_end"


def test_the_rules_of_the_specification_in_its_order() -> None:
    rules = default_rules(ALICE)
    assert tuple(rules) == KINDS
    assert named(rules["override"], ".m.rule.") == OVERRIDES
    assert named(rules["underride"], ".m.rule.") == UNDERRIDES
    assert not rules["content"] + rules["room"] + rules["sender"]


def named(rules: list[dict[str, Any]], prefix: str) -> tuple[str, ...]:
    return tuple(rule["rule_id"].removeprefix(prefix) for rule in rules if rule["rule_id"].startswith(prefix))


def test_polls_are_told_of_and_answers_to_them_are_not() -> None:
    rules = default_rules(ALICE)
    assert named(rules["override"], ".org.matrix.msc3930.rule.") == ("poll_response",)
    assert named(rules["underride"], ".org.matrix.msc3930.rule.") == POLLS
    response, start = rules["override"][-1], rules["underride"][-2]
    assert (response["conditions"][0]["pattern"], response["actions"]) == ("org.matrix.msc3381.poll.response", [])
    assert (start["conditions"][0]["pattern"], start["actions"]) == ("org.matrix.msc3381.poll.start", ["notify"])


def test_only_the_master_switch_is_off() -> None:
    rules = [rule for kind in default_rules(ALICE).values() for rule in kind]
    assert [rule["rule_id"] for rule in rules if not rule["enabled"]] == [".m.rule.master"]
    assert all(rule["default"] for rule in rules)


def test_who_is_meant() -> None:
    rules = {rule["rule_id"]: rule for rule in default_rules(ALICE)["override"]}
    assert rules[".m.rule.is_user_mention"]["conditions"] == [
        {"kind": "event_property_contains", "key": r"content.m\.mentions.user_ids", "value": ALICE}
    ]
    assert rules[".m.rule.invite_for_me"]["conditions"][-1] == {"kind": "event_match", "key": "state_key", "pattern": ALICE}


def test_nobody_shares_them() -> None:
    default_rules(ALICE)["underride"][3]["actions"].clear()
    assert default_rules(ALICE)["underride"][3]["actions"] == ["notify"]
