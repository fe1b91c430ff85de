"""The power levels that go over into a room's successor."""

from typing import Any

import pytest

from homeserver.protocol.room_versions import room_version
from homeserver.rooms.upgrade.carried import carried_aliases
from homeserver.rooms.upgrade.levels import as_numbers, building_levels, quieted_levels, successor_levels

A, B = "@a:x", "@b:x"


def carried(levels: dict[str, Any], old: str, new: str, creators: frozenset[str] = frozenset()) -> dict[str, Any]:
    version, target = room_version(old), room_version(new)
    new_creators = creators if target.privileged_creators else frozenset()
    old_creators = creators if version.privileged_creators else frozenset()
    return successor_levels(
        as_numbers(levels, version), old=version, new=target, old_creators=old_creators, new_creators=new_creators, upgrader=A
    )


def test_old_spellings_become_numbers() -> None:
    levels = {"users": {A: "100", B: 5.9}, "events": {"m.room.name": " 50 ", "x": "much"}, "ban": None, "kick": "60", "org.example": 1}
    expected = {"users": {A: 100, B: 5}, "events": {"m.room.name": 50}, "kick": 60, "org.example": 1}
    assert as_numbers(levels, room_version("1")) == expected
    assert as_numbers({"users": {A: "100"}, "kick": "60"}, room_version("10")) == {"users": {}}
    assert as_numbers({"users": 5, "events": []}, room_version("1")) == {}


@pytest.mark.parametrize(
    ("levels", "old", "expected"),
    [
        ({}, "11", 150),
        ({"events": {"m.room.tombstone": 100}}, "11", 150),
        ({"events": {"m.room.tombstone": 200}}, "11", 200),
        ({"state_default": 300}, "11", 301),
        ({"events": {"m.room.tombstone": 120}}, "12", 120),
        ({"events": {"m.room.tombstone": 50}}, "12", 150),
        ({}, "12", 150),
    ],
)
def test_the_tombstone_takes_more_than_other_state(levels: dict[str, Any], old: str, expected: int) -> None:
    assert carried(levels, old, "12", frozenset((A,)))["events"]["m.room.tombstone"] == expected


def test_creators_fall_out_and_come_back_as_admins() -> None:
    assert carried({"users": {A: 100, B: 50}}, "11", "12", frozenset((A,)))["users"] == {B: 50}
    assert carried({"users": {B: 50}}, "12", "11", frozenset((A, "@c:x")))["users"] == {A: 100, B: 50, "@c:x": 100}


def test_power_for_building_only() -> None:
    eleven = room_version("11")
    assert building_levels({"users": {A: 100}}, eleven, A) == {"users": {A: 100}}
    raised = building_levels({"users": {A: 20}, "events": {"m.room.name": 120}}, eleven, A)
    assert raised["users"] == {A: 120}
    assert building_levels({"users": {}, "users_default": 100}, eleven, A)["users"] == {A: 100}
    assert building_levels({"users": {}}, room_version("12"), A) == {"users": {}}


def test_quiet() -> None:
    assert quieted_levels({}) == {"events_default": 50, "invite": 50}
    assert quieted_levels({"users_default": 60, "invite": 100}) == {"users_default": 60, "events_default": 61, "invite": 100}


def test_only_moving_aliases_are_named() -> None:
    content = {"alias": "#a:x", "alt_aliases": ["#b:x", "#far:y", 5]}
    assert carried_aliases(content, ("#b:x",)) == {"alt_aliases": ["#b:x"]}
    assert carried_aliases(content, ("#a:x", "#b:x")) == {"alias": "#a:x", "alt_aliases": ["#b:x"]}
    assert carried_aliases({}, ()) == {}
