"""Rule 1 and the rule on auth_events: what needs no state. RELIABILITY rows 1 and 2 name the attacks."""

from typing import Any

import pytest

from homeserver.protocol.auth_rules import check_auth_events, needed_state, required_signers
from homeserver.protocol.errors import MissingEvents, NotAuthorised
from homeserver.protocol.event import Event, StateKey
from homeserver.protocol.room_versions import ROOM_VERSIONS, RoomVersion
from tests.protocol.rooms.small_room import ALICE, BOB, EVE, MO, make_event, make_state, signed

_LISTED = [version for version in ROOM_VERSIONS.values() if not version.room_id_is_create_hash]  # versions that cite the create event
_UNLISTED = [version for version in ROOM_VERSIONS.values() if version.room_id_is_create_hash]
_every = pytest.mark.parametrize("version", ROOM_VERSIONS.values(), ids=lambda version: version.identifier)
_listed = pytest.mark.parametrize("version", _LISTED, ids=lambda version: version.identifier)
_unlisted = pytest.mark.parametrize("version", _UNLISTED, ids=lambda version: version.identifier)


def _cited(version: RoomVersion, type_: str = "m.room.message") -> list[Event]:
    """What a message of Bob cites."""
    state = make_state(version, levels={})
    return [state[key] for key in needed_state(type_, BOB, None, {}, version)]


def _message(version: RoomVersion, cited: list[Event]) -> Event:
    return make_event(version, "$e", "m.room.message", BOB, {}, auth=tuple(event.event_id for event in cited))


def _refusal(event: Event, cited: list[Event], rejected: frozenset[str] = frozenset()) -> str:
    with pytest.raises(NotAuthorised) as caught:
        check_auth_events(event, cited, rejected)
    return str(caught.value)


@_every
def test_the_selected_events_are_accepted(version: RoomVersion) -> None:
    cited = _cited(version)
    check_auth_events(_message(version, cited), cited, frozenset())
    check_auth_events(_message(version, cited), reversed(cited), frozenset())


@_every
def test_row_2_two_events_for_one_address(version: RoomVersion) -> None:
    cited = [*_cited(version), make_event(version, "$levels2", "m.room.power_levels", BOB, {}, "")]
    assert "(auth_events.duplicate)" in _refusal(_message(version, cited), cited)


@_every
def test_row_2_one_event_twice(version: RoomVersion) -> None:
    cited = _cited(version)
    assert "(auth_events.duplicate)" in _refusal(_message(version, [*cited, cited[-1]]), cited)


@_every
@pytest.mark.parametrize("address", [("m.room.topic", ""), ("m.room.join_rules", ""), ("m.room.member", MO), ("m.room.power_levels", "x")])
def test_row_2_an_event_that_is_not_selected(version: RoomVersion, address: StateKey) -> None:
    cited = [*_cited(version), make_event(version, "$extra", address[0], MO, {}, address[1])]
    assert "(auth_events.unselected)" in _refusal(_message(version, cited), cited)


@_every
def test_row_2_a_message_is_no_auth_event(version: RoomVersion) -> None:
    cited = [*_cited(version), make_event(version, "$extra", "m.room.power_levels", MO, {})]
    assert "(auth_events.unselected)" in _refusal(_message(version, cited), cited)


@_every
def test_row_2_a_rejected_event(version: RoomVersion) -> None:
    cited = _cited(version)
    for event in cited:
        assert "(auth_events.rejected)" in _refusal(_message(version, cited), cited, frozenset([event.event_id]))


@_every
def test_row_2_an_event_of_another_room(version: RoomVersion) -> None:
    cited = _cited(version)
    foreign = make_event(version, "$levels", "m.room.power_levels", BOB, {"users": {BOB: 100}}, "", room_id="!other:b.example")
    cited = [foreign if event.type == "m.room.power_levels" else event for event in cited]
    assert "(auth_events.room)" in _refusal(_message(version, cited), cited)


@_listed
def test_row_2_the_create_event_must_be_cited(version: RoomVersion) -> None:
    cited = [event for event in _cited(version) if event.type != "m.room.create"]
    assert _refusal(_message(version, cited), cited).startswith("rule 2.4 ")


@_unlisted
def test_row_2_the_create_event_must_not_be_cited(version: RoomVersion) -> None:
    cited = [*_cited(version), make_state(version)[("m.room.create", "")]]
    assert _refusal(_message(version, cited), cited).startswith("rule 3.2 ")


@_unlisted
def test_a_rejected_create_event_makes_no_room(version: RoomVersion) -> None:
    cited = _cited(version)
    assert _refusal(_message(version, cited), cited, frozenset(["$create"])).startswith("rule 2 ")


@_every
def test_row_3_missing_auth_events_are_asked_for_all_at_once(version: RoomVersion) -> None:
    cited = _cited(version)
    with pytest.raises(MissingEvents) as caught:
        check_auth_events(_message(version, cited), [], frozenset())
    assert caught.value.event_ids == {event.event_id for event in cited}


# ---------------------------------------------------------------- the create event


def _create(version: RoomVersion, content: dict[str, Any] | None = None, **fields: Any) -> Event:
    usual = {"room_version": version.identifier, **({} if version.creator_from_sender else {"creator": ALICE})}
    return make_event(version, "$create", "m.room.create", ALICE, usual if content is None else {**usual, **content}, "", prev=(), **fields)


@_every
def test_create(version: RoomVersion) -> None:
    check_auth_events(_create(version), [], frozenset())
    late = make_event(version, "$create", "m.room.create", ALICE, _create(version).content, "", prev=("$x",))
    assert _refusal(late, []).startswith("rule 1.1 ")
    unknown_ones: tuple[Any, ...] = ("99", 1, None, [], {})
    for unknown in unknown_ones:
        assert _refusal(_create(version, {"room_version": unknown}), []).startswith("rule 1.3 ")


@_listed
def test_create_on_another_server_than_the_room(version: RoomVersion) -> None:
    assert _refusal(_create(version, room_id="!room:b.example"), []).startswith("rule 1.2 ")


@_unlisted
def test_create_with_a_room_id(version: RoomVersion) -> None:
    event = _create(version)
    event.pdu["room_id"] = "!create"
    assert _refusal(event, []).startswith("rule 1.2 ")


@pytest.mark.parametrize(
    "version", [version for version in _LISTED if not version.creator_from_sender], ids=lambda version: version.identifier
)
def test_create_without_creator(version: RoomVersion) -> None:
    event = make_event(version, "$create", "m.room.create", ALICE, {}, "", prev=())
    assert _refusal(event, []).startswith("rule 1.4 ")


@_unlisted
@pytest.mark.parametrize(
    "bad", [None, "@bob:b.example", {}, [1], [None], ["bob"], ["@bob"], ["@bob:"], [BOB, "@bob:b/x"], ["@" + "b" * 255 + ":b"]]
)
def test_additional_creators_that_are_no_users(version: RoomVersion, bad: object) -> None:
    assert _refusal(_create(version, {"additional_creators": bad}), []).startswith("rule 1.4 ")


@_every
def test_additional_creators(version: RoomVersion) -> None:
    check_auth_events(_create(version, {"additional_creators": [BOB, MO]}), [], frozenset())
    check_auth_events(_create(version, {"additional_creators": []}), [], frozenset())


# ---------------------------------------------------------------- what is selected, who signs


@_every
def test_needed_state(version: RoomVersion) -> None:
    always = {("m.room.power_levels", ""), ("m.room.member", BOB)} | (set() if version.room_id_is_create_hash else {("m.room.create", "")})
    rules, eve, mo = ("m.room.join_rules", ""), ("m.room.member", EVE), ("m.room.member", MO)

    def needed(content: dict[str, Any], state_key: str | None = EVE, type_: str = "m.room.member") -> set[StateKey]:
        listed = needed_state(type_, BOB, state_key, content, version)
        assert len(listed) == len(set(listed))
        return set(listed)

    assert needed({}, None, "m.room.create") == set()
    assert needed({"membership": "join"}, None, "m.room.message") == always
    assert (
        needed({"membership": "leave"}) == needed({"membership": "ban"}) == needed({}) == needed({"membership": ["join"]}) == always | {eve}
    )
    assert needed({"membership": "invite"}) == needed({"membership": "knock"}) == always | {eve, rules}
    assert needed({"membership": "join"}, BOB) == needed({"membership": "join"}, None) == always | {rules}
    assert needed({"membership": "invite", "third_party_invite": {"signed": signed()}}) == always | {
        eve,
        rules,
        ("m.room.third_party_invite", "t"),
    }
    broken_ones: tuple[Any, ...] = (None, 1, {}, {"signed": None}, {"signed": {}}, {"signed": {"token": 1}})
    for broken in broken_ones:
        assert needed({"membership": "invite", "third_party_invite": broken}) == always | {eve, rules}
    authorised = needed({"membership": "join", "join_authorised_via_users_server": MO}, BOB)
    assert authorised == always | {rules} | ({mo} if version.restricted_joins else set())
    assert needed({"membership": "join", "join_authorised_via_users_server": [MO]}, BOB) == always | {rules}
    assert needed({"membership": "leave", "join_authorised_via_users_server": MO}, BOB) == always


@_every
def test_required_signers(version: RoomVersion) -> None:
    own = {"a.example"} if version.event_id == "server_chosen" else set()  # by the event ID

    def signers(content: dict[str, Any], type_: str = "m.room.member") -> set[str]:
        return required_signers(make_event(version, "$e:a.example", type_, BOB, content, BOB), version)

    assert signers({}, "m.room.message") == {"b.example"} | own
    assert signers({"membership": "invite", "third_party_invite": {}}) == own
    assert signers({"membership": "join", "third_party_invite": {}}) == {"b.example"} | own
    via = {"membership": "join", "join_authorised_via_users_server": EVE}
    assert signers(via) == {"b.example"} | own | ({"c.example"} if version.restricted_joins else set())
    assert signers(via, "m.room.message") == {"b.example"} | own
    if version.restricted_joins:
        for broken in [None, 1, "eve", "c.example", [EVE]]:
            with pytest.raises(NotAuthorised):
                signers({"membership": "join", "join_authorised_via_users_server": broken})
