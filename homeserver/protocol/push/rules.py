"""A user's push rules, compiled: which of them decides about an event (client-server API, "Push Rules").

For unread counts most rules never have to be asked about an ordinary message: what they say of it follows from the *level* of its room. `of_room` finds
that level, and tells of which events the rules must be asked all the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from homeserver.protocol.push.conditions import (
    BODY,
    ROOM_ID,
    SENDER,
    Condition,
    Is,
    Known,
    Matches,
    NamesReader,
    Never,
    Occasion,
    SentBy,
    compile_condition,
    event_match,
)
from homeserver.protocol.push.default_rules import KINDS, default_rules

ORDINARY_TYPES = ("m.room.message", "m.room.encrypted")
_HISTORICAL = ("dont_notify", "coalesce")
_CALLING_RULES = 3  # of the default rules about messages: notices, mentions of the user, mentions of the room


class Verdict(NamedTuple):
    """What counts of a rule's actions."""

    notify: bool
    highlight: bool


SILENT = Verdict(False, False)
PLAIN = Verdict(True, False)
LOUD = Verdict(True, True)


class Rule(NamedTuple):
    """An enabled rule. Without conditions it matches every event."""

    conditions: tuple[Condition, ...]
    verdict: Verdict
    actions: tuple[Any, ...]

    def matches(self, occasion: Occasion, display_name: str | None) -> bool:
        return all(condition.holds(occasion, display_name) for condition in self.conditions)


Rules = tuple[Rule, ...]


class RoomRules(NamedTuple):
    """The rules that may matter in one room. `differs`: they may say something else than the default ones.

    `quiet`: plain messages do not notify, only what calls the user by name. `on_messages`: the rules must be asked about every ordinary message;
    `on_calls`: only about those that call the user, or the room. About all other events they must always be asked.
    """

    rules: Rules
    ordinary: Mapping[str, Rules]  # by type what is left of them for ordinary messages, where they must be asked
    differs: bool
    quiet: bool
    on_messages: bool
    on_calls: bool
    names_reader: bool


def compile_rules(ruleset: Mapping[str, Any], ignored: frozenset[str] = frozenset()) -> Rules:
    """Of the content of m.push_rules' `global`, most important first; whatever is malformed matches nothing. Nobody hears of whom he ignores."""
    compiled = [Rule((SentBy(ignored),), SILENT, ())] if ignored else []
    for kind in KINDS:
        for rule in ruleset.get(kind, ()):
            if rule["enabled"]:
                actions = clean_actions(rule["actions"])
                compiled.append(Rule(_conditions(kind, rule), verdict_of(actions), tuple(actions)))
    return tuple(compiled)


def clean_actions(actions: Iterable[Any]) -> list[Any]:
    """Without those of older versions of the specification."""
    return [action for action in actions if action not in _HISTORICAL]


def verdict_of(actions: Iterable[Any]) -> Verdict:
    notify = highlight = False
    for action in actions:
        if action == "notify":
            notify = True
        elif isinstance(action, dict) and action.get("set_tweak") == "highlight":
            highlight = action.get("value", True) is not False
    return Verdict(notify, highlight) if notify else SILENT


def decide(rules: Rules, occasion: Occasion, display_name: str | None) -> Rule | None:
    """The rule that matches first."""
    for rule in rules:
        if rule.matches(occasion, display_name):
            return rule
    return None


def verdict(rules: Rules, occasion: Occasion, display_name: str | None) -> Verdict:
    rule = decide(rules, occasion, display_name)
    return SILENT if rule is None else rule.verdict


def of_room(rules: Rules, room_id: str, user_id: str) -> RoomRules:
    """What matters in the room of rules that differ from the default ones."""
    here = _under(rules, Known(room_id))
    standard = _under(compile_rules(default_rules(user_id)), Known(room_id))
    ordinary = {type_: _under(here, Known(room_id, type_)) for type_ in ORDINARY_TYPES}
    quiet = on_messages = on_calls = False
    for type_, left in ordinary.items():
        shape, usual = _shape(left), _shape(_under(standard, Known(room_id, type_)))
        if shape == usual:
            continue
        if not shape or shape == usual[:_CALLING_RULES]:
            quiet = True
            on_calls = on_calls or not shape
        else:
            on_messages = True
            quiet = quiet or not _ends_loud(shape)
    if quiet:  # both types must be so, or the other is asked about
        on_messages = on_messages or any(_ends_loud(_shape(left)) for left in ordinary.values())
    return RoomRules(
        here,
        ordinary if on_messages or on_calls else {},
        _counting(here) != _counting(standard),
        quiet,
        on_messages,
        on_calls,
        names_reader(here),
    )


def names_reader(rules: Rules) -> bool:
    """Whether the user's display name has to be known."""
    return any(isinstance(condition, NamesReader) for rule in rules for condition in rule.conditions)


def rooms_named(rules: Rules) -> frozenset[str] | None:
    """The IDs of rooms that rules name, in lower case: for all other rooms `of_room` says the same. None: they may speak of any room."""
    named = set()
    for rule in rules:
        for condition in rule.conditions:
            if isinstance(condition, Is) and condition.path == ROOM_ID:
                named.add(str(condition.value).lower())
            elif isinstance(condition, Matches) and condition.path == ROOM_ID:
                if not condition.glob.is_literal:
                    return None
                named.add(condition.glob.pattern)
    return frozenset(named)


def _under(rules: Rules, known: Known) -> Rules:
    """The rules that may match, without what is settled; nothing stands after a rule that always matches."""
    left = []
    for rule in rules:
        answers = [(condition, condition.settled(known)) for condition in rule.conditions]
        if any(answer is False for _, answer in answers):
            continue
        conditions = tuple(condition for condition, answer in answers if answer is None)
        left.append(rule._replace(conditions=conditions))
        if not conditions:
            break
    return tuple(left)


def _counting(rules: Rules) -> list[tuple[frozenset[Condition], Verdict]]:
    """What counts of them."""
    return [(frozenset(rule.conditions), rule.verdict) for rule in rules]


def _shape(rules: Rules) -> list[tuple[frozenset[Condition], Verdict]]:
    """What counts of them, and shortened at the end: the last rules that say the same as what follows them are one."""
    shape = _counting(rules)
    last = shape[-1][1] if shape and not shape[-1][0] else SILENT
    while shape and shape[-1][1] == last:
        shape.pop()
    if last != SILENT:
        shape.append((frozenset(), last))
    return shape


def _ends_loud(shape: Sequence[tuple[frozenset[Condition], Verdict]]) -> bool:
    return bool(shape) and not shape[-1][0] and shape[-1][1].notify


def _conditions(kind: str, rule: Mapping[str, Any]) -> tuple[Condition, ...]:
    match kind:
        case "room" | "sender":
            return (Is(ROOM_ID if kind == "room" else SENDER, rule["rule_id"], str),)
        case "content":
            return (event_match(BODY, rule.get("pattern")),)
        case _:
            conditions = rule.get("conditions", ())
            return tuple(map(compile_condition, conditions)) if isinstance(conditions, (list, tuple)) else (Never(),)
