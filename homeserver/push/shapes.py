"""The shapes of push rules that clients write, and how many and how large they may be."""

from collections.abc import Mapping
from typing import Any

import orjson

from homeserver.errors import InvalidParam, TooLarge
from homeserver.protocol.push.changes import Changes, count_own
from homeserver.protocol.push.default_rules import KINDS
from homeserver.protocol.push.glob import MAX_PATTERN
from homeserver.protocol.push.rules import clean_actions

MAX_RULES = 1_000  # of the user's own
MAX_RULE_BYTES = 8_192
MAX_BYTES = 524_288  # of all that a user changed
MAX_NAME_BYTES = 512
MAX_CONDITIONS = 50
MAX_ACTIONS = 20


def own_rule(kind: str, rule_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The rule as it is stored. Raises InvalidParam, TooLarge."""
    check_kind(kind)
    _check_name(rule_id)
    rule: dict[str, Any] = {"rule_id": rule_id, "enabled": True, "actions": actions_of(body.get("actions"))}
    if kind == "content":
        rule["pattern"] = _pattern(body.get("pattern"))
    elif kind in ("override", "underride"):
        rule["conditions"] = _conditions(body.get("conditions", []))
    if len(orjson.dumps(rule)) > MAX_RULE_BYTES:
        raise TooLarge(f"A push rule has at most {MAX_RULE_BYTES} bytes")
    return rule


def actions_of(actions: Any) -> list[Any]:
    """As they were given: those of older versions are kept, and mean nothing. Raises InvalidParam."""
    if not isinstance(actions, list) or len(actions) > MAX_ACTIONS:
        raise InvalidParam(f"actions must be a list of at most {MAX_ACTIONS} actions")
    for action in clean_actions(actions):
        is_tweak = isinstance(action, dict) and isinstance(action.get("set_tweak"), str)
        if action != "notify" and not is_tweak:
            raise InvalidParam("An action is notify, or an object with set_tweak")
    if len(orjson.dumps(actions)) > MAX_RULE_BYTES:
        raise TooLarge(f"A push rule has at most {MAX_RULE_BYTES} bytes")
    return actions


def check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise InvalidParam(f"A push rule is one of {', '.join(KINDS)}")


def check_room_for(changes: Changes, encoded: bytes) -> None:
    """Whether all that a user changed is not too much. Raises TooLarge."""
    if count_own(changes) > MAX_RULES:
        raise TooLarge(f"You may have at most {MAX_RULES} push rules of your own")
    if len(encoded) > MAX_BYTES:
        raise TooLarge("This is more than your push rules may take")


def _check_name(rule_id: str) -> None:
    if rule_id.startswith("."):
        raise InvalidParam("Names that begin with a dot are those of predefined rules")
    if not rule_id or len(rule_id.encode()) > MAX_NAME_BYTES or any(character in rule_id for character in "/\\\0"):
        raise InvalidParam("This cannot be the name of a push rule")


def _pattern(pattern: Any) -> str:
    if not isinstance(pattern, str) or not pattern or len(pattern) > MAX_PATTERN:
        raise InvalidParam(f"pattern must be a text of 1 to {MAX_PATTERN} characters")
    return pattern


def _conditions(conditions: Any) -> list[dict[str, Any]]:
    if not isinstance(conditions, list) or len(conditions) > MAX_CONDITIONS:
        raise InvalidParam(f"conditions must be a list of at most {MAX_CONDITIONS} conditions")
    for condition in conditions:
        if not isinstance(condition, dict) or not isinstance(condition.get("kind"), str):
            raise InvalidParam("A condition is an object with its kind")
        if len(str(condition.get("pattern", ""))) > MAX_PATTERN:
            raise InvalidParam(f"pattern must be a text of at most {MAX_PATTERN} characters")
    return conditions
