"""What people do in a generated room: each action drafts one event, plausible as a rule."""

import base64
import json
from collections.abc import Callable
from typing import Any

from nacl.signing import SigningKey

from tests.protocol.oracle.story import JOIN_RULES, POWER, USERS, Draft, Story, Tip

_KEYS = tuple(SigningKey(bytes([number]) * 32) for number in (1, 2, 3))
_STRANGER = SigningKey(bytes(32))
_LEVELS = ("users_default", "events_default", "state_default", "ban", "redact", "kick", "invite")
_TYPES = ("m.room.topic", "m.room.name", "m.room.power_levels", "m.room.join_rules", "m.room.message", "m.room.redaction", "x.custom")
_SIZES = (-1, 0, 0, 25, 50, 50, 75, 99, 100, 100, 101)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _member(sender: str, target: str, membership: str, **content: Any) -> Draft:
    return {"type": "m.room.member", "sender": sender, "state_key": target, "content": {"membership": membership, **content}}


def topic(story: Story, tip: Tip) -> Draft:
    type_ = story.random.choice(("m.room.topic", "m.room.name", "x.custom", "m.room.server_acl"))
    sender = story.actor(tip, story.needed(tip, "state_default", 50))
    state_key = story.random.choice(("", "", "", "x", sender, story.random.choice(USERS)))
    return {"type": type_, "sender": sender, "state_key": state_key, "content": {"n": story.random.randrange(10**6)}}


def join(story: Story, tip: Tip) -> Draft:
    user = story.random.choice(story.members(tip, "invite", "none", "leave", "knock") or list(USERS))
    content: dict[str, Any] = {}
    rule = story.content(tip, JOIN_RULES).get("join_rule")
    if rule in ("restricted", "knock_restricted") and story.random.random() < 0.8:
        content["join_authorised_via_users_server"] = story.actor(tip, story.needed(tip, "invite", 0))
    return _member(user, user, "join", **content)


def rename(story: Story, tip: Tip) -> Draft:
    user = story.actor(tip, 0)
    return _member(user, user, "join", displayname=str(story.random.randrange(10**6)))


def invite(story: Story, tip: Tip) -> Draft:
    target = story.random.choice(story.members(tip, "none", "leave", "knock") or list(USERS))
    return _member(story.actor(tip, story.needed(tip, "invite", 0)), target, "invite")


def leave(story: Story, tip: Tip) -> Draft:
    user = story.random.choice(story.members(tip, "join", "invite", "knock") or list(USERS))
    return _member(user, user, "leave")


def kick(story: Story, tip: Tip) -> Draft:
    return _member(story.actor(tip, story.needed(tip, "kick", 50)), story.random.choice(USERS), "leave")


def ban(story: Story, tip: Tip) -> Draft:
    return _member(story.actor(tip, story.needed(tip, "ban", 50)), story.random.choice(USERS), "ban")


def unban(story: Story, tip: Tip) -> Draft:
    target = story.random.choice(story.members(tip, "ban") or list(USERS))
    return _member(story.actor(tip, story.needed(tip, "ban", 50)), target, "leave")


def knock(story: Story, tip: Tip) -> Draft:
    user = story.random.choice(story.members(tip, "none", "leave") or list(USERS))
    return _member(user, user, "knock")


def join_rule(story: Story, tip: Tip) -> Draft:
    rules = ["public", "public", "invite", "private"]
    rules += ["knock", "restricted", "restricted"] if story.version >= 7 else []
    rules += ["knock_restricted"] if story.version >= 9 else []
    sender = story.actor(tip, story.needed(tip, "state_default", 50))
    return {"type": "m.room.join_rules", "sender": sender, "state_key": "", "content": {"join_rule": story.random.choice(rules)}}


def power_levels(story: Story, tip: Tip) -> Draft:
    content = json.loads(json.dumps(story.content(tip, POWER)))
    sender = story.actor(tip, _level_of(content.get("events", {}).get("m.room.power_levels", 50)))
    users, events = content.setdefault("users", {}), content.setdefault("events", {})
    for _ in range(story.random.choice((1, 1, 1, 2, 3))):
        what = story.random.random()
        if what < 0.35:
            user = story.random.choice(USERS)
            if story.version < 12 or not story.is_creator(tip, user) or story.random.random() < 0.05:
                users[user] = _size(story)
        elif what < 0.5:
            users[sender] = _size(story)  # often a demotion of oneself
        elif what < 0.6 and users:
            del users[story.random.choice(sorted(users))]
        elif what < 0.75:
            events[story.random.choice(_TYPES)] = _size(story)
        elif what < 0.9:
            content[story.random.choice(_LEVELS)] = _size(story)
        else:
            content.setdefault("notifications", {})["room"] = _size(story)
    if story.version >= 12 and story.random.random() < 0.97:
        users = {user: level for user, level in users.items() if not story.is_creator(tip, user)}
        content["users"] = users
    return {"type": "m.room.power_levels", "sender": sender, "state_key": "", "content": content}


def _size(story: Story) -> Any:
    size = story.random.choice(_SIZES)
    if story.version < 10 and story.random.random() < 0.1:
        return story.random.choice((str(size), f" {size} ", f"{size:+05d}"))
    if story.version < 6 and story.random.random() < 0.05:
        return size + 0.57
    return size


def _level_of(value: Any) -> int:
    return int(float(value))


def third_party_invite(story: Story, tip: Tip) -> Draft:
    keys = [{"public_key": _base64(bytes(key.verify_key))} for key in story.random.sample(_KEYS, 2)]
    content = {"display_name": "x", "public_key": _base64(bytes(_KEYS[0].verify_key)), "public_keys": keys}
    sender = story.actor(tip, story.needed(tip, "invite", 0))
    return {"type": "m.room.third_party_invite", "sender": sender, "state_key": f"t{story.random.randrange(3)}", "content": content}


def third_party_member(story: Story, tip: Tip) -> Draft:
    token = f"t{story.random.randrange(3)}"
    pending = tip.state.get(("m.room.third_party_invite", token))
    sender = story.by_label[pending]["sender"] if pending and story.random.random() < 0.9 else story.random.choice(USERS)
    target = story.random.choice(USERS)
    signed: dict[str, Any] = {"mxid": target, "token": token}
    message = json.dumps(signed, separators=(",", ":"), sort_keys=True).encode()
    signature = story.random.choice((*_KEYS, _STRANGER)).sign(message).signature
    signed["signatures"] = {"id.example": {"ed25519:0": _base64(signature)}}
    return _member(str(sender), target, "invite", third_party_invite={"display_name": "x", "signed": signed})


def aliases(story: Story, tip: Tip) -> Draft:
    sender = story.random.choice(USERS)
    state_key = story.random.choice((sender.partition(":")[2], "a.example", "", "x"))
    return {"type": "m.room.aliases", "sender": sender, "state_key": state_key, "content": {"aliases": []}}


def message(story: Story, tip: Tip) -> Draft:
    return {"type": "m.room.message", "sender": story.actor(tip, 0), "content": {"body": "x"}}


def redaction(story: Story, tip: Tip) -> Draft:
    target = story.random.choice(story.events)["label"]
    return {"type": "m.room.redaction", "sender": story.actor(tip, 0), "content": {}, "redacts": target}


STATE_ACTIONS: tuple[tuple[Callable[[Story, Tip], Draft], int], ...] = (
    *((topic, 10), (join, 12), (rename, 3), (invite, 6), (leave, 4), (kick, 5), (ban, 7), (unban, 3), (knock, 2)),
    *((join_rule, 8), (power_levels, 16), (third_party_invite, 4), (third_party_member, 4), (aliases, 1)),
)
ALL_ACTIONS = (*STATE_ACTIONS, (message, 6), (redaction, 6))


def draft(story: Story, tip: Tip, actions: tuple[tuple[Callable[[Story, Tip], Draft], int], ...] = STATE_ACTIONS) -> Draft:
    chosen = story.random.choices([action for action, _ in actions], [weight for _, weight in actions])[0]
    return chosen(story, tip)
