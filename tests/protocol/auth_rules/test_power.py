"""The levels as values, the questions asked of them, redactions that are judged late, and the law that rules never break."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeserver.protocol.auth_rules import (
    INFINITE,
    PowerLevels,
    check_event,
    may_ban,
    may_invite,
    may_kick,
    may_notify,
    may_redact,
    may_send,
    power_levels,
)
from homeserver.protocol.errors import NotAuthorised
from homeserver.protocol.room_versions import ROOM_VERSIONS, RoomVersion
from tests.protocol.rooms.small_room import ALICE, BOB, EVE, MO, make_event, make_state

_every = pytest.mark.parametrize("version", ROOM_VERSIONS.values(), ids=lambda version: version.identifier)


def _levels(version: RoomVersion, changes: dict[str, Any] | None, create: dict[str, Any] | None = None) -> PowerLevels:
    state = make_state(version, levels=changes, create=create)
    return power_levels.of(state.get(("m.room.power_levels", "")), state[("m.room.create", "")])


@_every
def test_defaults(version: RoomVersion) -> None:
    for levels in (_levels(version, None), _levels(version, {"users": {}})):
        assert (levels.ban, levels.kick, levels.redact, levels.invite) == (50, 50, 50, 0)
        assert (levels.users_default, levels.events_default, levels.state_default) == (0, 0, 50)
        assert (levels.event("x", True), levels.event("x", False), levels.notification("room")) == (50, 0, 50)
        assert levels.user(BOB) == 0
    first = INFINITE if version.privileged_creators else 100
    assert _levels(version, None).user(ALICE) == first
    assert _levels(version, {"users": {}}).user(ALICE) == (first if version.privileged_creators else 0)


@_every
def test_creators(version: RoomVersion) -> None:
    levels = _levels(version, {"users": {MO: 50}, "users_default": -5}, {"additional_creators": [MO, 1, None]})
    assert levels.user(MO) == (INFINITE if version.privileged_creators else 50)
    assert levels.user(EVE) == -5
    assert levels.creators == ({ALICE, MO} if version.privileged_creators else set())


@_every
def test_permissions(version: RoomVersion) -> None:
    levels = _levels(version, {"users": {MO: 50, BOB: 49}, "events": {"x": 49}, "invite": 49, "notifications": {"room": 49, "bad": "x"}})
    assert [may_send(levels, user, "x", is_state=True) for user in (MO, BOB, EVE)] == [True, True, False]
    assert [may_invite(levels, user) for user in (MO, BOB, EVE)] == [True, True, False]
    assert [may_notify(levels, user) for user in (MO, BOB, EVE)] == [True, True, False]
    assert [may_notify(levels, user, "bad") for user in (MO, BOB)] == [True, False]
    for may in (may_kick, may_ban):
        assert may(levels, MO, BOB)
        assert not may(levels, BOB, EVE)
        assert not may(levels, MO, MO)


@_every
def test_row_19_late_redactions(version: RoomVersion) -> None:
    levels = _levels(version, {"users": {MO: 50}})
    targets = {server: make_event(version, f"$t:{server}", "m.room.message", f"@t:{server}", {}) for server in ("a.example", "b.example")}

    def redaction(sender: str, **fields: Any) -> bool:
        event = make_event(version, f"$r:{sender.partition(':')[2]}", "m.room.redaction", sender, {}, **fields)
        return [may_redact(event, targets[server], levels) for server in ("a.example", "b.example")] == [True, True]

    assert redaction(MO)
    assert not redaction(BOB)
    own = make_event(version, "$r:b.example", "m.room.redaction", BOB, {})
    assert may_redact(own, targets["b.example"], levels)
    assert not may_redact(own, targets["a.example"], levels)
    elsewhere = make_event(version, "$r:a.example", "m.room.redaction", MO, {}, room_id="!other")
    assert not may_redact(elsewhere, targets["a.example"], levels)
    no_redaction = make_event(version, "$r:a.example", "m.room.message", MO, {})
    assert not may_redact(no_redaction, targets["a.example"], levels)


def test_a_state_that_holds_no_levels_allows_nothing() -> None:
    version = ROOM_VERSIONS["11"]
    several: list[dict[str, Any]] = [
        {"users": 5},
        {"events": []},
        {"users": {BOB: "x"}},
        {"events": {"m.room.message": {}}},
        {"events_default": "x"},
    ]
    for broken in several:
        state = make_state(version, levels=broken)
        with pytest.raises(NotAuthorised):
            check_event(make_event(version, "$e", "m.room.message", BOB, {}), state)


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([ALICE, MO, BOB, EVE, "join", "invite"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([MO, BOB, "x", "signed", "token", "mxid", "signatures"]), inner, max_size=3)
    ),
    max_leaves=6,
)
_KEYS = (
    "membership",
    "join_rule",
    "users",
    "events",
    "notifications",
    "ban",
    "invite",
    "users_default",
    "third_party_invite",
    "public_keys",
)
_CONTENT_KEYS = st.sampled_from((*_KEYS, "public_key", "join_authorised_via_users_server", "creator", "additional_creators", "m.federate"))
_contents = st.dictionaries(_CONTENT_KEYS, _json, max_size=4)
_TYPES = ("create", "member", "join_rules", "power_levels", "third_party_invite", "aliases", "redaction", "message")
_users = st.sampled_from([ALICE, MO, BOB, EVE, "@", "nobody", ""])


@settings(max_examples=500)
@given(
    version=st.sampled_from(list(ROOM_VERSIONS.values())),
    type_=st.sampled_from(_TYPES),
    sender=_users,
    state_key=st.none() | _users,
    content=_contents,
    replaced=st.dictionaries(st.sampled_from(["create", "member", "join_rules", "power_levels"]), _contents, max_size=3),
    redacts=st.none() | st.text(max_size=3),
)
def test_row_1_whatever_comes_is_allowed_or_refused(
    version: RoomVersion,
    type_: str,
    sender: str,
    state_key: str | None,
    content: dict[str, Any],
    replaced: dict[str, dict[str, Any]],
    redacts: str | None,
) -> None:
    state = make_state(version, levels={})
    for name, new in replaced.items():
        key = ("m.room.member", BOB) if name == "member" else (f"m.room.{name}", "")
        state[key] = make_event(version, "$new", key[0], ALICE, new, key[1])
    event = make_event(version, "$e", f"m.room.{type_}", sender, content, state_key, redacts=redacts)
    with suppress(NotAuthorised):
        check_event(event, state)
