"""Every authorisation rule and branch in a named room, in every room version that has it."""

import pytest

from homeserver.protocol.auth_rules import check_event, judging_state
from homeserver.protocol.auth_rules.rule_numbers import number
from homeserver.protocol.errors import NotAuthorised
from homeserver.protocol.room_versions import ROOM_VERSIONS
from tests.protocol.rooms import membership_cases, other_cases, power_level_cases
from tests.protocol.rooms.small_room import ALICE, BOB, Case, make_event, make_state

_CASES = (*membership_cases.CASES, *power_level_cases.CASES, *other_cases.CASES)


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case.name)
def test_case(case: Case) -> None:
    for identifier in map(str, case.versions):
        version = ROOM_VERSIONS[identifier]
        event, state = case.event(version), case.state(version)
        verdict = ""
        try:
            check_event(event, state)
        except NotAuthorised as refusal:
            verdict = str(refusal)
        if case.refused is None:
            assert verdict == "", f"version {identifier}"
        else:
            assert verdict.startswith(f"rule {number(version, case.refused)} ({case.refused}):"), f"version {identifier}: {verdict}"


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case.name)
def test_judging_state_is_all_that_is_looked_at(case: Case) -> None:
    for identifier in map(str, case.versions):
        version = ROOM_VERSIONS[identifier]
        event, state = case.event(version), case.state(version)
        assert _verdict(event, state) == _verdict(event, {key: state[key] for key in judging_state(event) if key in state})


def _verdict(event: object, state: object) -> str:
    try:
        check_event(event, state)  # type: ignore[arg-type]
    except NotAuthorised as refusal:
        return str(refusal)
    return ""


def test_names_are_unique_within_their_versions() -> None:
    seen: set[tuple[str, int]] = set()
    for case in _CASES:
        names = {(case.name, version) for version in case.versions}
        assert not names & seen, case.name
        seen |= names


# The numbers as the specification prints them.
_NUMBERS = {
    "1": {
        "federate": "3",
        "aliases.domain": "4.2",
        "member.shape": "5.1",
        "member.join.sender": "5.2.2",
        "member.invite.otherwise": "5.3.5",
    }
    | {"member.leave.unban": "5.4.3", "member.ban.level": "5.5.2", "member.unknown": "5.6", "joined": "6", "third_party_invite": "7"}
    | {"required_level": "8", "foreign_state_key": "9", "power_levels.users": "10.1", "power_levels.user_added": "10.7"}
    | {"redaction.otherwise": "11.3", "create.creator": "1.4", "auth_events.create": "2.4", "auth_events.room": "2.5"},
    "3": {"aliases.state_key": "4.1", "member.unknown": "5.6", "power_levels.user_added": "10.7"},
    "6": {"federate": "3", "member.shape": "4.1", "member.unknown": "4.6", "joined": "5", "power_levels.entry_added": "9.5"},
    "7": {"member.knock.sender": "4.6.2", "member.unknown": "4.7"},
    "8": {"member.authoriser": "4.2", "member.join.restricted.authoriser": "4.3.5.2", "member.join.otherwise": "4.3.7"}
    | {"member.invite.third_party.sender": "4.4.1.6", "member.knock.otherwise": "4.7.4", "member.unknown": "4.8", "joined": "5"}
    | {"required_level": "7", "foreign_state_key": "8", "power_levels.first": "9.2"},
    "10": {"power_levels.levels": "9.1", "power_levels.maps": "9.2", "power_levels.users": "9.3", "power_levels.user_removed": "9.8"},
    "11": {"create.room_version": "1.3", "power_levels.level_changed.new": "9.5.2", "power_levels.user_added": "9.9"},
    "12": {"create.additional_creators": "1.4", "room_id": "2", "auth_events.unselected": "3.2", "auth_events.room": "3.4"}
    | {"federate": "4", "member.join.restricted.authoriser": "5.3.5.2", "member.knock.join_rule": "5.7.1", "member.unknown": "5.8"}
    | {"joined": "6", "third_party_invite": "7", "required_level": "8", "foreign_state_key": "9", "power_levels.creators": "10.4"}
    | {"power_levels.first": "10.5", "power_levels.level_changed.current": "10.6.1", "power_levels.user_added": "10.10"},
}


@pytest.mark.parametrize("identifier", _NUMBERS)
def test_numbers_are_those_of_the_specification(identifier: str) -> None:
    version = ROOM_VERSIONS[identifier]
    assert {rule: number(version, rule) for rule in _NUMBERS[identifier]} == _NUMBERS[identifier]


@pytest.mark.parametrize("identifier", ROOM_VERSIONS)
def test_a_room_without_create_event_allows_nothing(identifier: str) -> None:
    version = ROOM_VERSIONS[identifier]
    state = make_state(version)
    del state[("m.room.create", "")]
    for type_, state_key in (("m.room.message", None), ("m.room.topic", ""), ("m.room.member", ALICE)):
        event = make_event(version, "$e", type_, ALICE, {"membership": "join"}, state_key)
        with pytest.raises(NotAuthorised):
            check_event(event, state)


@pytest.mark.parametrize("identifier", ROOM_VERSIONS)
def test_row_2_a_create_event_of_another_room_does_not_count(identifier: str) -> None:
    version = ROOM_VERSIONS[identifier]
    state = make_state(version)
    check_event(make_event(version, "$e", "m.room.message", BOB, {}), state)
    with pytest.raises(NotAuthorised):
        check_event(make_event(version, "$e", "m.room.message", BOB, {}, room_id="!other"), state)
