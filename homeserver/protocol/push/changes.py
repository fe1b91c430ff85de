"""What a user changed of the push rules, as it is stored: only that. The whole is made of it whenever it is read.

    {"added": {kind: [rule, …]}, "set": {rule_id: {"enabled": …, "actions": […]}}}

`added` are the user's own rules, most important first; `set` is what differs of default rules. Neither is there when it is empty.
"""

from collections.abc import Iterator
from typing import Any

from homeserver.protocol.push.default_rules import KINDS, default_rules

MASTER = ".m.rule.master"

Changes = dict[str, Any]
Ruleset = dict[str, list[dict[str, Any]]]


def whole(user_id: str, changes: Changes) -> Ruleset:
    """All rules by kind, most important first. The master rule stands above the user's own, all other default rules below."""
    ruleset = default_rules(user_id)
    for rules in ruleset.values():
        for rule in rules:
            rule.update(changes.get("set", {}).get(rule["rule_id"], {}))
    for kind in KINDS:
        own = [{**rule, "default": False} for rule in changes.get("added", {}).get(kind, ())]
        masters = [rule for rule in ruleset[kind] if rule["rule_id"] == MASTER]
        ruleset[kind] = [*masters, *own, *(rule for rule in ruleset[kind] if rule["rule_id"] != MASTER)]
    return ruleset


def count_own(changes: Changes) -> int:
    return sum(map(len, changes.get("added", {}).values()))


def find_own(changes: Changes, kind: str, rule_id: str) -> dict[str, Any] | None:
    """The user's own rule of this kind and name, to be changed in place."""
    return next((rule for rule in _own(changes, kind) if rule["rule_id"] == rule_id), None)


def find_default(user_id: str, kind: str, rule_id: str) -> dict[str, Any] | None:
    return next((rule for rule in default_rules(user_id).get(kind, ()) if rule["rule_id"] == rule_id), None)


def place(changes: Changes, kind: str, rule: dict[str, Any], before: str | None, after: str | None) -> bool:
    """Put the rule there: right above `before`, right below `after`; else where it was, a new one on top. False: there is no such neighbour."""
    rules = changes.setdefault("added", {}).setdefault(kind, [])
    names = [held["rule_id"] for held in rules]
    neighbour = before if before is not None else after
    if neighbour is not None and (neighbour not in names or neighbour == rule["rule_id"]):
        return False
    index = names.index(rule["rule_id"]) if rule["rule_id"] in names else None
    if index is not None:
        del rules[index]
    if neighbour is not None:
        names = [held["rule_id"] for held in rules]
        index = names.index(neighbour) + (before is None)
    rules.insert(index or 0, rule)
    return True


def remove(changes: Changes, kind: str, rule_id: str) -> bool:
    """False: there is none of the user's own."""
    rules = _own(changes, kind)
    left = [rule for rule in rules if rule["rule_id"] != rule_id]
    if len(left) == len(rules):
        return False
    changes["added"][kind] = left
    return True


def set_default(user_id: str, changes: Changes, kind: str, rule_id: str, name: str, value: Any) -> bool:
    """Set `enabled` or `actions` of a default rule. False: there is no such rule."""
    standard = find_default(user_id, kind, rule_id)
    if standard is None:
        return False
    held = changes.setdefault("set", {}).setdefault(rule_id, {})
    held[name] = value
    if value == standard[name]:
        del held[name]
    return True


def tidy(changes: Changes) -> Changes:
    """Without empty parts; {} when all is as by default."""
    return {part: kept for part, values in changes.items() if (kept := {name: value for name, value in values.items() if value})}


def own_rules(changes: Changes) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind, rules in changes.get("added", {}).items():
        for rule in rules:
            yield kind, rule


def _own(changes: Changes, kind: str) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = changes.get("added", {}).get(kind, [])
    return rules
