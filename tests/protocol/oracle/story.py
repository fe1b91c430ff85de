"""A room that grows in branches: states, clocks and the choice of auth events, by labels only and without the code under test."""

import random
from dataclasses import dataclass, field
from typing import Any

from tests.protocol.oracle.wire import Described

Address = tuple[str, str]
Draft = dict[str, Any]  # type, sender, content, perhaps state_key, redacts

USERS = ("@u0:a.example", "@u1:a.example", "@u2:b.example", "@u3:b.example", "@u4:c.example", "@u5:c.example")
CREATE: Address = ("m.room.create", "")
POWER: Address = ("m.room.power_levels", "")
JOIN_RULES: Address = ("m.room.join_rules", "")


@dataclass
class Tip:
    """The end of one branch: the state there, what the next event follows, and its own clock."""

    state: dict[Address, str]
    last: list[str]
    depth: int
    clock: int
    log: list[dict[Address, str]] = field(default_factory=list)

    def fork(self, skew: int) -> "Tip":
        return Tip(dict(self.state), list(self.last), self.depth, self.clock + skew, list(self.log))


class Story:
    def __init__(self, version: int, seed: int) -> None:
        self.version = version
        self.random = random.Random(f"{version}:{seed}")
        self.events: list[Described] = []
        self.by_label: dict[str, Described] = {}

    def content(self, tip: Tip, address: Address) -> dict[str, Any]:
        label = tip.state.get(address)
        return {} if label is None else self.by_label[label]["content"]

    def membership(self, tip: Tip, user: str) -> str:
        return str(self.content(tip, ("m.room.member", user)).get("membership", "none"))

    def members(self, tip: Tip, *memberships: str) -> list[str]:
        return [user for user in USERS if self.membership(tip, user) in memberships]

    def is_creator(self, tip: Tip, user: str) -> bool:
        create = self.by_label[tip.state[CREATE]]
        return user == create["sender"] or (self.version >= 12 and user in create["content"].get("additional_creators", []))

    def power(self, tip: Tip, user: str) -> int:
        if self.version >= 12 and self.is_creator(tip, user):
            return 2**53
        if POWER not in tip.state:
            return 100 if self.is_creator(tip, user) else 0
        content = self.content(tip, POWER)
        return _number(content.get("users", {}).get(user, content.get("users_default", 0)))

    def needed(self, tip: Tip, name: str, default: int) -> int:
        return _number(self.content(tip, POWER).get(name, default))

    def actor(self, tip: Tip, need: int) -> str:
        """Mostly a member with the power, sometimes anybody."""
        if self.random.random() < 0.92:
            able = [user for user in self.members(tip, "join") if self.power(tip, user) >= need]
            if able:
                return self.random.choice(able)
        return self.random.choice(USERS)

    def describe(self, tip: Tip, draft: Draft) -> Described:
        """The draft as the next event of the branch."""
        tip.clock += self.random.choice((0, 0, 1, 1, 7, 1000))
        label = f"{self.random.getrandbits(32):08x}{len(self.events)}"
        place = {"label": label, "ts": tip.clock, "depth": tip.depth + 1, "prev": list(tip.last), "auth": self.auth(tip, draft)}
        return {**draft, **place}

    def add(self, tip: Tip, draft: Draft) -> str:
        event = self.describe(tip, draft)
        label = str(event["label"])
        self.events.append(event)
        self.by_label[label] = event
        tip.depth += 1
        tip.last = [label]
        if draft.get("state_key") is not None:
            tip.state[(draft["type"], draft["state_key"])] = label
            tip.log.append(dict(tip.state))
        return label

    def auth(self, tip: Tip, draft: Draft) -> list[str]:
        """The specification's selection, written a second time."""
        if draft["type"] == "m.room.create":
            return []
        wanted = [POWER, ("m.room.member", draft["sender"])]
        if self.version < 12:
            wanted.append(CREATE)
        content, membership = draft["content"], draft["content"].get("membership")
        if draft["type"] == "m.room.member":
            wanted.append(("m.room.member", draft.get("state_key") or ""))
            if membership in ("join", "invite", "knock"):
                wanted.append(JOIN_RULES)
            token = content.get("third_party_invite", {}).get("signed", {}).get("token")
            if membership == "invite" and token is not None:
                wanted.append(("m.room.third_party_invite", token))
            if membership == "join" and self.version >= 8 and "join_authorised_via_users_server" in content:
                wanted.append(("m.room.member", content["join_authorised_via_users_server"]))
        self.random.shuffle(wanted)
        return list(dict.fromkeys(tip.state[address] for address in wanted if address in tip.state))

    def merge(self, one: Tip, other: Tip) -> Tip:
        """A branch that follows both; each address as one of the two has it, which is also what servers in doubt may believe."""
        state = dict(one.state)
        for address, label in other.state.items():
            if address not in state or self.random.random() < 0.5:
                state[address] = label
        last = list(dict.fromkeys(one.last + other.last))
        return Tip(state, last, max(one.depth, other.depth), max(one.clock, other.clock), [*one.log, *other.log])


def _number(value: Any) -> int:
    return int(float(value)) if isinstance(value, (int, float, str)) else 0
