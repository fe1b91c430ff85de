"""Events as a hostile or broken server would send them: a plausible draft with one or two things wrong."""

import copy
from typing import Any

from tests.protocol.oracle.story import CREATE, USERS, Story, Tip
from tests.protocol.oracle.wire import Described

_ODD: tuple[Any, ...] = (None, True, False, 0, -1, 50, 2**53 - 1, "", "x", "join", "50", "@u1:a.example", [], ["x"], {}, {"x": 1})
_KEYS = (
    *("membership", "join_rule", "users", "events", "notifications", "ban", "kick", "invite", "redact", "state_default"),
    *("events_default", "users_default", "third_party_invite", "join_authorised_via_users_server"),
)
_TYPES = (
    *("m.room.member", "m.room.power_levels", "m.room.join_rules", "m.room.message", "m.room.third_party_invite"),
    *("m.room.aliases", "m.room.redaction", "x.custom"),
)


def mutate(story: Story, tip: Tip, event: Described) -> Described:
    event = copy.deepcopy(event)
    for _ in range(story.random.choice((1, 1, 1, 2))):
        story.random.choice(_WAYS)(story, tip, event)
    return event


def _odd(story: Story) -> Any:
    return copy.deepcopy(story.random.choice(_ODD))


def _content_value(story: Story, tip: Tip, event: Described) -> None:
    keys = sorted(event["content"]) or list(_KEYS)
    event["content"][story.random.choice(keys)] = _odd(story)


def _content_addition(story: Story, tip: Tip, event: Described) -> None:
    event["content"][story.random.choice(_KEYS)] = _odd(story)


def _content_loss(story: Story, tip: Tip, event: Described) -> None:
    if event["content"]:
        del event["content"][story.random.choice(sorted(event["content"]))]


def _inner_value(story: Story, tip: Tip, event: Described) -> None:
    maps = [value for value in event["content"].values() if isinstance(value, dict)]
    if maps:
        inner = story.random.choice(maps)
        inner[story.random.choice([*sorted(inner), "@u9:z", "nobody", "m.room.name"])] = _odd(story)


def _signed_value(story: Story, tip: Tip, event: Described) -> None:
    signed = event["content"].get("third_party_invite")
    signed = signed.get("signed") if isinstance(signed, dict) else None
    if isinstance(signed, dict):
        signed[story.random.choice(("mxid", "token", "signatures", "extra"))] = _odd(story)


def _membership(story: Story, tip: Tip, event: Described) -> None:
    event["content"]["membership"] = story.random.choice(("join", "invite", "leave", "ban", "knock", "owner", ""))


def _sender(story: Story, tip: Tip, event: Described) -> None:
    event["sender"] = story.random.choice((*USERS, "@u9:z.example"))


def _state_key(story: Story, tip: Tip, event: Described) -> None:
    event["state_key"] = story.random.choice((*USERS, "", "x", "@", "@u9:z.example", None))


def _type(story: Story, tip: Tip, event: Described) -> None:
    event["type"] = story.random.choice(_TYPES)


def _previous(story: Story, tip: Tip, event: Described) -> None:
    event["prev"] = [tip.state[CREATE]]


_WAYS = (
    *(_content_value, _content_addition, _content_loss, _inner_value, _signed_value),
    *(_membership, _sender, _state_key, _type, _previous),
)
