"""Generated rooms as events, for laws that need no other server to judge them: IDs are labels, merged states are resolved by us."""

from collections.abc import Generator, Mapping
from typing import Any

from homeserver.protocol.auth_rules import check_event
from homeserver.protocol.errors import NotAuthorised
from homeserver.protocol.event import Event, StateKey
from homeserver.protocol.room_versions import ROOM_VERSIONS
from homeserver.protocol.state_resolution import StateMap, resolve
from tests.protocol.oracle.generate import choose_states, grow
from tests.protocol.oracle.story import Draft, Story, Tip
from tests.protocol.oracle.wire import Described, room_id_of


class HonestStory(Story):
    """A story in which only what the rules allow happens."""

    def __init__(self, version: int, seed: int) -> None:
        super().__init__(version, seed)
        self.room_version = ROOM_VERSIONS[str(version)]
        self.by_id: dict[str, Event] = {}

    def add(self, tip: Tip, draft: Draft) -> str:
        event = as_event(self, self.describe(tip, draft))
        try:
            check_event(event, {key: self.by_id[f"${label}"] for key, label in tip.state.items()})
        except NotAuthorised:
            return ""
        label = super().add(tip, draft)
        self.by_id[f"${label}"] = as_event(self, self.by_label[label])
        return label

    def merge(self, one: Tip, other: Tip) -> Tip:
        merged = super().merge(one, other)
        resolved = resolve(self.room_version, [_named(one.state), _named(other.state)], self.by_id)
        merged.state = {key: event_id[1:] for key, event_id in resolved.items()}
        return merged

    def state_sets(self, tips: list[Tip]) -> list[dict[StateKey, str]]:
        chosen = choose_states(self, tips)
        return [{self.by_id[f"${label}"].address: f"${label}" for label in labels} for labels in chosen]


def _named(state: Mapping[StateKey, str]) -> dict[StateKey, str]:
    return {key: f"${label}" for key, label in state.items()}


def as_event(story: HonestStory, described: Described) -> Event:
    create = story.events[0]["label"] if story.events else described["label"]
    content: dict[str, Any] = described["content"]
    return Event(
        event_id=f"${described['label']}",
        room_id=room_id_of(story.version, f"${create}"),
        type=described["type"],
        sender=described["sender"],
        state_key=described.get("state_key"),
        content=content,
        origin_server_ts=described["ts"],
        depth=described["depth"],
        prev_events=tuple(f"${label}" for label in described["prev"]),
        auth_events=tuple(f"${label}" for label in described["auth"]),
        redacts=described.get("redacts"),
        pdu={"type": described["type"]},
        version=story.room_version,
    )


def honest_room(version: int, seed: int) -> tuple[HonestStory, list[dict[StateKey, str]]]:
    """A room that grew by the rules, and two or more of its states."""
    story = HonestStory(version, seed)
    tips = grow(story)
    return story, story.state_sets(tips)


def naive_chain(events: Mapping[str, Event], event_ids: StateMap | list[str]) -> set[str]:
    """The events themselves and all that authorises them, as the definition says."""
    stack = list(event_ids.values() if isinstance(event_ids, Mapping) else event_ids)
    chain: set[str] = set()
    while stack:
        event_id = stack.pop()
        if event_id not in chain:
            chain.add(event_id)
            event = events[event_id]
            stack.extend(event.auth_events)
            if event.version.room_id_is_create_hash and event.type != "m.room.create":
                stack.append("$" + event.room_id[1:])
    return chain


def count_slices(steps: Generator[None, None, dict[StateKey, str]]) -> tuple[int, dict[StateKey, str]]:
    """How often the work could have been laid down, and what it gave."""
    slices = 0
    while True:
        try:
            next(steps)
        except StopIteration as done:
            resolved: dict[StateKey, str] = done.value
            return slices, resolved
        slices += 1
