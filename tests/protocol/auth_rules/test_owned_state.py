"""State keys that belong to users, where a room version lets them go on after the user ID (MSC3757)."""

import pytest

from homeserver.protocol.auth_rules import check_event
from homeserver.protocol.auth_rules.user_id_shape import owner_of
from homeserver.protocol.errors import NotAuthorised
from homeserver.protocol.room_versions import UNSTABLE_ROOM_VERSIONS, RoomVersion, room_version
from tests.protocol.rooms.small_room import ALICE, BOB, MO, make_event, make_state

_every = pytest.mark.parametrize("version", UNSTABLE_ROOM_VERSIONS.values(), ids=lambda version: version.identifier)


def may_write(version: RoomVersion, sender: str, state_key: str) -> bool:
    state = make_state(version, levels={"events": {"x.y": 0}})
    try:
        check_event(make_event(version, "$event", "x.y", sender, {}, state_key), state)
    except NotAuthorised as refused:
        return "foreign_state_key" not in str(refused)
    return True


@_every
@pytest.mark.parametrize(
    "sender, state_key, allowed",
    [
        (BOB, BOB, True),
        (BOB, f"{BOB}_of_bob:!@#$123", True),
        (BOB, f"{BOB}of_bob", False),
        (BOB, f"@prefix_{BOB}_of_bob", False),
        (BOB, MO, False),
        (BOB, f"{MO}_of_mo", False),
        (MO, BOB, True),
        (MO, f"{BOB}_of_bob", True),
        (MO, f"{ALICE}_of_alice", False),
        (ALICE, "@nobody:d.example", True),
        (ALICE, "@oops", False),
        (ALICE, f"{BOB}@_x", False),
        (ALICE, "bob", True),
    ],
)
def test_who_may_write(version: RoomVersion, sender: str, state_key: str, allowed: bool) -> None:
    assert may_write(version, sender, state_key) is allowed


def test_elsewhere_a_key_is_its_owners_alone() -> None:
    assert may_write(room_version("11"), BOB, BOB)
    assert not may_write(room_version("11"), BOB, f"{BOB}_x")
    assert not may_write(room_version("11"), ALICE, BOB)


def test_the_owner_in_a_key() -> None:
    assert owner_of("@a_b:host_c_d") == "@a_b:host"
    assert owner_of("@a:host:80_c") == "@a:host:80"
    for none in ("", "@", "@a", "@a:", "@a:_x", "a:host"):
        assert owner_of(none) is None
