"""What must hold of state resolution in any room, tried in generated ones of every version."""

import itertools
import random
from collections.abc import Iterator, Mapping

import pytest

from homeserver.protocol.auth_rules import check_event
from homeserver.protocol.errors import MissingEvents, NotAuthorised
from homeserver.protocol.event import Event, StateKey
from homeserver.protocol.room_versions import ROOM_VERSIONS, RoomVersion
from homeserver.protocol.state_resolution import auth_difference, cited_by, resolve, resolve_steps, separate
from tests.protocol.rooms.generated import HonestStory, count_slices, honest_room, naive_chain

StateSets = list[dict[StateKey, str]]
_ROOMS = 25
_versions = pytest.mark.parametrize("version", ROOM_VERSIONS.values(), ids=lambda version: version.identifier)


def _rooms(version: RoomVersion) -> Iterator[tuple[HonestStory, StateSets]]:
    for seed in range(_ROOMS):
        yield honest_room(int(version.identifier), seed)


@_versions
def test_the_order_of_states_and_of_mappings_is_nothing(version: RoomVersion) -> None:
    chance = random.Random(1)
    for story, sets in _rooms(version):
        expected = resolve(version, sets, story.by_id)
        for permuted in itertools.islice(itertools.permutations(sets), 24):
            shuffled = [dict(chance.sample(sorted(state.items()), len(state))) for state in permuted]
            events = dict(chance.sample(sorted(story.by_id.items()), len(story.by_id)))
            assert resolve(version, shuffled, events) == expected


@_versions
def test_a_state_said_twice_is_said_once(version: RoomVersion) -> None:
    for story, sets in _rooms(version):
        assert resolve(version, [*sets, dict(sets[0])], story.by_id) == resolve(version, sets, story.by_id)


@_versions
def test_what_is_resolved_stays_resolved(version: RoomVersion) -> None:
    for story, sets in _rooms(version):
        resolved = resolve(version, sets, story.by_id)
        assert resolve(version, [resolved], story.by_id) == resolved
        assert resolve(version, [resolved, dict(resolved)], story.by_id) == resolved


@_versions
def test_agreement_stands_and_nothing_is_made_up(version: RoomVersion) -> None:
    for story, sets in _rooms(version):
        resolved = resolve(version, sets, story.by_id)
        conflict = separate(version, sets)
        assert conflict.unconflicted.items() <= resolved.items()
        assert all(story.by_id[event_id].address == key for key, event_id in resolved.items())
        known = naive_chain(story.by_id, [event_id for state in sets for event_id in state.values()])
        assert known.issuperset(resolved.values())


@_versions
def test_row_5_what_holds_the_room_together_is_never_lost(version: RoomVersion) -> None:
    for story, sets in _rooms(version):
        resolved = resolve(version, sets, story.by_id)
        create = story.by_id[resolved[("m.room.create", "")]]
        held: list[StateKey] = []
        if version.resolve_from_empty:  # before, the levels or the creator could fall to a reset: version 12 exists for that
            held = [("m.room.power_levels", ""), ("m.room.join_rules", ""), ("m.room.member", create.sender)]
        for key in held:
            assert key in resolved or not all(key in state for state in sets), key


@_versions
def test_what_comes_to_stand_is_allowed_by_its_own_auth_events(version: RoomVersion) -> None:
    for story, sets in _rooms(version):
        for event_id in resolve(version, sets, story.by_id).values():
            event = story.by_id[event_id]
            cited = {other.address: other for other in (story.by_id[cited_id] for cited_id in cited_by(event))}
            check_event(event, cited)


@_versions
def test_the_auth_difference_is_that_of_its_definition(version: RoomVersion) -> None:
    for story, sets in _rooms(version):
        conflict = separate(version, sets)
        if version.state_resolution == "v1" or not conflict.conflicted:
            continue
        edges = {event_id: cited_by(event) for event_id, event in story.by_id.items()}
        found = auth_difference(version, conflict, edges)
        chains = [naive_chain(story.by_id, state) for state in sets]
        conflicted = conflict.event_ids()
        assert found.difference | conflicted == (chains[0].union(*chains) - chains[0].intersection(*chains)) | conflicted
        if version.conflicted_subgraph:
            below = naive_chain(story.by_id, sorted(conflicted))
            assert found.subgraph == {event_id for event_id in below if naive_chain(story.by_id, [event_id]) & conflicted}
        assert resolve(version, sets, story.by_id, auth_difference=found) == resolve(version, sets, story.by_id)


@_versions
def test_missing_events_are_asked_for_until_it_works(version: RoomVersion) -> None:
    for story, sets in _rooms(version):
        given: dict[str, Event] = {}
        missing = _missing(version, sets, given)
        while missing:
            assert not missing & given.keys()
            given.update({event_id: story.by_id[event_id] for event_id in missing})
            missing = _missing(version, sets, given)
        assert resolve(version, sets, given) == resolve(version, sets, story.by_id)


def _missing(version: RoomVersion, sets: StateSets, given: dict[str, Event]) -> frozenset[str]:
    try:
        resolve(version, sets, given)
    except MissingEvents as missing:
        return missing.event_ids
    return frozenset()


@_versions
def test_slices_give_the_same(version: RoomVersion) -> None:
    for story, sets in _rooms(version):
        slices, resolved = count_slices(resolve_steps(version, sets, story.by_id))
        assert resolved == resolve(version, sets, story.by_id)
        assert slices >= len(sets) - 1


@_versions
def test_row_4_a_rejected_event_comes_back_by_no_door(version: RoomVersion) -> None:
    for story, sets in _rooms(version):
        conflict = separate(version, sets)
        rejected = frozenset(sorted(conflict.event_ids())[::2])
        resolved = resolve(version, sets, story.by_id, rejected=rejected)
        assert not rejected.intersection(event_id for key, event_id in resolved.items() if key not in conflict.unconflicted)


@pytest.mark.parametrize("sets", [[], [{}], [{}, {}]])
def test_no_state_at_all(sets: StateSets) -> None:
    for version in ROOM_VERSIONS.values():
        assert resolve(version, sets, {}) == {}


def test_a_hostile_cycle_of_auth_events_ends() -> None:
    """Old servers choose IDs, so a server could publish two events that cite each other."""
    story, sets = honest_room(2, 1)
    one, other = (event for event in list(story.by_id.values())[1:3] if event.state_key is not None)
    one.auth_events = (*one.auth_events, other.event_id)
    other.auth_events = (*other.auth_events, one.event_id)
    resolved = resolve(story.room_version, [*sets, {}], story.by_id)
    assert resolved == resolve(story.room_version, [{}, *reversed(sets)], story.by_id)


def test_an_event_of_another_room_does_not_come_to_stand() -> None:
    story, sets = honest_room(11, 3)
    foreign = story.by_id[sets[0][("m.room.join_rules", "")]]
    fields = {name: getattr(foreign, name) for name in (slot.removeprefix("_") for slot in Event.__slots__)}
    intruder = Event(**fields | {"event_id": "$intruder", "room_id": "!other:b.example"})
    events = {**story.by_id, "$intruder": intruder}
    mixed: list[Mapping[StateKey, str]] = [sets[0], {**sets[0], ("m.room.join_rules", ""): "$intruder"}]
    assert resolve(story.room_version, mixed, events)[("m.room.join_rules", "")] == foreign.event_id
    with pytest.raises(NotAuthorised):
        check_event(intruder, {key: story.by_id[event_id] for key, event_id in sets[0].items()})
