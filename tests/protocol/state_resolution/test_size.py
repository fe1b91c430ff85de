"""Large rooms and deep chains: the work follows the conflict, not the room. Nothing is timed here; events looked at are counted."""

import random
from collections.abc import Iterator, Mapping

import pytest

from homeserver.protocol.event import Event, StateKey
from homeserver.protocol.room_versions import ROOM_VERSIONS, RoomVersion
from homeserver.protocol.state_resolution import AuthDifference, resolve, resolve_steps
from tests.protocol.rooms.generated import count_slices
from tests.protocol.rooms.small_room import ALICE, make_event

_FORKS = 20
_MEMBERS = 10_000
_second = pytest.mark.parametrize(
    "version", [ROOM_VERSIONS["2"], ROOM_VERSIONS["11"], ROOM_VERSIONS["12"]], ids=lambda version: version.identifier
)


class Counted(Mapping[str, Event]):
    """Events that remember who was looked at."""

    def __init__(self, events: dict[str, Event]) -> None:
        self._events = events
        self.asked: set[str] = set()

    def __getitem__(self, event_id: str) -> Event:
        self.asked.add(event_id)
        return self._events[event_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._events)

    def __len__(self) -> int:
        return len(self._events)


def _cite(version: RoomVersion, *names: str) -> tuple[str, ...]:
    return names if version.room_id_is_create_hash else ("$create", *names)


def _beginning(version: RoomVersion) -> dict[str, Event]:
    levels = {"users": {} if version.privileged_creators else {ALICE: 100}}
    creation = {"room_version": version.identifier, "creator": ALICE}
    events = [
        make_event(version, "$create", "m.room.create", ALICE, creation, "", prev=()),
        make_event(version, "$alice", "m.room.member", ALICE, {"membership": "join"}, ALICE, auth=_cite(version)),
        make_event(version, "$levels", "m.room.power_levels", ALICE, levels, "", auth=_cite(version, "$alice")),
        make_event(version, "$rules", "m.room.join_rules", ALICE, {"join_rule": "public"}, "", auth=_cite(version, "$alice", "$levels")),
    ]
    return {event.event_id: event for event in events}


def _large_room(version: RoomVersion) -> tuple[dict[str, Event], list[dict[StateKey, str]]]:
    """Ten thousand members; twenty branches, each with a topic of its own and one member it lost."""
    events = _beginning(version)
    for number in range(_MEMBERS):
        user = f"@u{number}:b.example"
        join = make_event(
            version, f"$u{number}", "m.room.member", user, {"membership": "join"}, user, auth=_cite(version, "$levels", "$rules")
        )
        events[join.event_id] = join
    base = {event.address: event.event_id for event in events.values()}
    sets = []
    for fork in range(_FORKS):
        auth = _cite(version, "$alice", "$levels")
        topic = make_event(version, f"$topic{fork}", "m.room.topic", ALICE, {"topic": str(fork)}, "", auth=auth, ts=fork)
        events[topic.event_id] = topic
        state = {**base, topic.address: topic.event_id}
        del state[("m.room.member", f"@u{fork}:b.example")]
        sets.append(state)
    return events, sets


@_second
def test_twenty_forks_of_a_large_room_touch_the_conflict_alone(version: RoomVersion) -> None:
    events, sets = _large_room(version)
    counted = Counted(events)
    resolved = resolve(version, sets, counted)
    assert resolved[("m.room.topic", "")] == f"$topic{_FORKS - 1}"
    assert len(resolved) == _MEMBERS + 5
    assert len(counted.asked) <= 2 * _FORKS + 4


@_second
def test_a_deep_line_of_levels_is_walked_without_recursion(version: RoomVersion) -> None:
    depth = 3_000
    events = _beginning(version)
    previous = "$levels"
    for number in range(depth):
        content = {"users": events["$levels"].content["users"], "ban": number % 50}
        auth = _cite(version, "$alice", previous)
        event = make_event(version, f"$p{number}", "m.room.power_levels", ALICE, content, "", auth=auth, ts=number)
        events[event.event_id] = event
        previous = event.event_id
    base = {("m.room.create", ""): "$create", ("m.room.member", ALICE): "$alice", ("m.room.join_rules", ""): "$rules"}
    states = [{**base, ("m.room.power_levels", ""): event_id} for event_id in ("$levels", previous)]
    slices, resolved = count_slices(resolve_steps(version, states, events))
    assert resolved[("m.room.power_levels", "")] == previous
    assert slices > depth


def test_a_given_difference_spares_the_agreed_chains() -> None:
    """With many members who cite many levels, only an index can tell what differs: then no chain is walked here."""
    version = ROOM_VERSIONS["11"]
    events = _beginning(version)
    chance = random.Random(4)
    names = ["$levels"]
    for number in range(50):
        auth = _cite(version, "$alice", names[-1])
        content = {"users": {ALICE: 100}, "ban": number % 100}
        event = make_event(version, f"$p{number}", "m.room.power_levels", ALICE, content, "", auth=auth, ts=number)
        events[event.event_id] = event
        names.append(event.event_id)
    state: dict[StateKey, str] = {("m.room.create", ""): "$create", ("m.room.member", ALICE): "$alice", ("m.room.join_rules", ""): "$rules"}
    for number in range(500):
        user = f"@u{number}:b.example"
        auth = _cite(version, chance.choice(names[:-1]), "$rules")
        join = make_event(version, f"$u{number}", "m.room.member", user, {"membership": "join"}, user, auth=auth)
        events[join.event_id] = join
        state[join.address] = join.event_id
    sets = [{**state, ("m.room.power_levels", ""): names[-1]}, {**state, ("m.room.power_levels", ""): names[-2]}]
    counted = Counted(events)
    assert resolve(version, sets, counted, auth_difference=AuthDifference(frozenset())) == resolve(version, sets, events)
    assert len(counted.asked) < 60
