"""One room for the comparison, wholly decided by its version and seed: a beginning, branches with skewed clocks, and what to ask about them."""

from typing import Any

from tests.protocol.oracle.actions import ALL_ACTIONS, draft
from tests.protocol.oracle.mutate import mutate
from tests.protocol.oracle.story import USERS, Draft, Story, Tip

_MAX_TIPS = 5


def generate(version: int, seed: int, *, judged: int = 5) -> dict[str, Any]:
    """The request for `answer`: events, state sets to resolve, events to judge."""
    story = Story(version, seed)
    tips = grow(story)
    return {
        "version": str(version),
        "events": story.events,
        "rejected": _rejected(story),
        "resolve": [choose_states(story, tips) for _ in range(2)],
        "judge": [_choose_case(story, tips) for _ in range(judged)],
    }


def _begin(story: Story) -> Tip:
    tip = Tip({}, [], 0, 1_700_000_000_000)
    creator = USERS[0]
    content: dict[str, Any] = {"room_version": str(story.version)}
    if story.version < 11:
        content["creator"] = creator
    if story.version >= 12 and story.random.random() < 0.3:
        content["additional_creators"] = [USERS[2]]
    if story.random.random() < 0.05:
        content["m.federate"] = False
    story.add(tip, {"type": "m.room.create", "sender": creator, "state_key": "", "content": content})
    story.add(tip, _state("m.room.member", creator, creator, {"membership": "join"}))
    if story.random.random() < 0.92:
        users = {USERS[1]: 50} if story.version >= 12 else {creator: 100, USERS[1]: 50}
        if story.random.random() < 0.5:
            users[USERS[3]] = story.random.choice((50, 100))
        story.add(tip, _state("m.room.power_levels", creator, "", {"users": users}))
    rule = story.random.choice(("public", "public", "public", "invite"))
    if story.random.random() < 0.95:
        story.add(tip, _state("m.room.join_rules", creator, "", {"join_rule": rule}))
    for user in story.random.sample(USERS[1:], story.random.randint(1, 4)):
        if rule == "invite":
            story.add(tip, _state("m.room.member", creator, user, {"membership": "invite"}))
        story.add(tip, _state("m.room.member", user, user, {"membership": "join"}))
    return tip


def _state(type_: str, sender: str, state_key: str, content: dict[str, Any]) -> Draft:
    return {"type": type_, "sender": sender, "state_key": state_key, "content": content}


def _skew(story: Story) -> int:
    return story.random.choice((0, 0, 0, story.random.randint(-1000, 1000), story.random.randint(-(10**9), 10**9)))


def grow(story: Story) -> list[Tip]:
    """Tells the story; its branches as they end."""
    tip = _begin(story)
    tips = [tip, tip.fork(_skew(story))]
    length = story.random.randint(40, 120) if story.random.random() < 0.04 else story.random.randint(4, 22)
    for _ in range(length):
        chosen = story.random.choice(tips)
        what = story.random.random()
        if what < 0.12 and len(tips) < _MAX_TIPS:
            tips.append(chosen.fork(_skew(story)))
        elif what < 0.17:
            tips[tips.index(chosen)] = story.merge(chosen, story.random.choice(tips))
        else:
            story.add(chosen, draft(story, chosen))
    return tips


def _rejected(story: Story) -> list[str]:
    if story.version == 1 or story.random.random() < 0.85:
        return []
    return [event["label"] for event in story.events[2:] if story.random.random() < 0.1]


def choose_states(story: Story, tips: list[Tip]) -> list[list[str]]:
    """Two to all ends of branches, sometimes with an older state or one with a hole."""
    states = [tip.state for tip in story.random.sample(tips, story.random.randint(2, len(tips)))]
    if story.random.random() < 0.2:
        states.append(story.random.choice(story.random.choice(tips).log))
    if story.random.random() < 0.1:
        holed = dict(story.random.choice(states))
        addresses = [address for address in sorted(holed) if address[0] != "m.room.create"]
        if addresses:
            del holed[story.random.choice(addresses)]
        states.append(holed)
    story.random.shuffle(states)
    return [list(state.values()) for state in states]


def _choose_case(story: Story, tips: list[Tip]) -> dict[str, Any]:
    tip = story.random.choice(tips)
    event = story.describe(tip, draft(story, tip, ALL_ACTIONS))
    if story.random.random() < 0.7:
        event = mutate(story, tip, event)
    return {"event": event, "state": list(tip.state.values())}
