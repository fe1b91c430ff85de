"""The rule on m.room.power_levels, branch by branch, and the levels that sending takes."""

from typing import Any

from tests.protocol.rooms.small_room import ALICE, BOB, EVE, MO, Case, Content

_STRINGY, _INTEGERS, _FLOATY, _CREATORS = range(1, 10), range(10, 13), range(1, 6), range(12, 13)
_LIMITED_NOTIFICATIONS = range(6, 13)
_USERS = {MO: 50}
_KEYS = ("users_default", "events_default", "state_default", "ban", "redact", "kick", "invite")


def _change(name: str, old: Content, new: Content, refused: str | None = None, sender: str = MO, **more: Any) -> Case:
    """Mo, or who is named, replaces one power levels event by another."""
    before = {"users": _USERS, **old}
    after = {"users": before["users"], **new}
    rule = None if refused is None else f"power_levels.{refused}"
    return Case(name, "m.room.power_levels", sender, after, rule, "", levels=before, **more)


def _first(name: str, content: Content, refused: str | None = None, **more: Any) -> Case:
    """Alice sends the room's first power levels event."""
    return Case(
        name, "m.room.power_levels", ALICE, content, None if refused is None else f"power_levels.{refused}", "", levels=None, **more
    )


SHAPE = (
    *(_first(f"{key} is a list", {key: []}, "levels") for key in _KEYS),
    *(_first(f"{key} is null", {key: None}, "levels") for key in _KEYS),
    *(_first(f"{key} is a boolean", {key: True}, "levels") for key in _KEYS),
    *(_first(f"{key} is a string", {key: "50"}, "levels", versions=_INTEGERS) for key in _KEYS),
    *(_first(f"{key} is a stringy number", {key: " +050 "}, versions=_STRINGY) for key in _KEYS),
    *(
        _first(f"{key} is no number: {text[:4]!r}", {key: text}, "levels")
        for key in _KEYS[:2]
        for text in ("", "x", "5_0", "1.0", "0x1", "+ 1", "9" * 5000)
    ),
    _first("level with a fraction", {"ban": 50.9}, versions=_FLOATY),
    _first("level with a fraction, later", {"ban": 50.9}, "levels", versions=range(6, 13)),
    _first("infinite level", {"ban": float("inf")}, "levels"),
    _first("events is a list", {"events": []}, "maps"),
    _first("events is null", {"events": None}, "maps"),
    _first("events has a string", {"events": {"x": "50"}}, "maps", versions=_INTEGERS),
    _first("events has a stringy number", {"events": {"x": "50"}}, versions=_STRINGY),
    _first("events has a boolean", {"events": {"x": True}}, "maps"),
    _first("notifications is a list", {"notifications": []}, "maps", versions=_LIMITED_NOTIFICATIONS),
    _first("notifications has an object", {"notifications": {"room": {}}}, "maps", versions=_LIMITED_NOTIFICATIONS),
    _first("notifications were not looked at", {"notifications": []}, versions=_FLOATY),
    _first("users is a list", {"users": []}, "users"),
    _first("users is null", {"users": None}, "users"),
    _first("users has a string", {"users": {BOB: "50"}}, "users", versions=_INTEGERS),
    _first("users has a stringy number", {"users": {BOB: "-50"}}, versions=_STRINGY),
    _first("users has a boolean", {"users": {BOB: False}}, "users"),
    _first("users has no user ID", {"users": {"bob": 50}}, "users"),
    _first("users has half a user ID", {"users": {"@bob": 50}}, "users"),
    _first("users has an historical user ID", {"users": {"@Bob Böb:b.example": 50}}),
    _first("a creator is given a level", {"users": {ALICE: 100}}, "creators", versions=_CREATORS),
    _first(
        "an additional creator is given a level", {"users": {MO: 1}}, "creators", versions=_CREATORS, create={"additional_creators": [MO]}
    ),
    _first("the creator gives herself a level", {"users": {ALICE: 100}}, versions=range(1, 12)),
    _first("first levels, above the sender", {"users": {BOB: 1000}, "ban": 1000}),
    _first("first levels, nothing said", {}),
)

LEVELS = (
    *(_change(f"raise {key} to one's own", {key: 20}, {key: 50}) for key in _KEYS if key != "state_default"),
    *(_change(f"raise {key} above", {key: 20}, {key: 51}, "level_changed.new") for key in _KEYS),
    *(_change(f"add {key} above", {}, {key: 51}, "level_changed.new") for key in _KEYS),
    *(_change(f"lower {key} from above", {key: 60}, {key: 50}, "level_changed.current") for key in _KEYS if key != "state_default"),
    *(_change(f"remove {key} from above", {key: 60}, {}, "level_changed.current") for key in _KEYS if key != "state_default"),
    *(_change(f"leave {key} above alone", {key: 60}, {key: 60}) for key in _KEYS if key != "state_default"),
    _change("stringy and plain are the same", {"ban": "60"}, {"ban": 60}, versions=_STRINGY),
    _change("no change at all", {}, {}),
)

_MAPS = ("events", "notifications")
ENTRIES = (
    *(_change(f"add to {name}", {}, {name: {"x": 50}}) for name in _MAPS),
    *(_change(f"add to {name} above", {}, {name: {"x": 51}}, "entry_added", versions=_LIMITED_NOTIFICATIONS) for name in _MAPS),
    *(
        _change(f"raise in {name} above", {name: {"x": 1}}, {name: {"x": 51}}, "entry_added", versions=_LIMITED_NOTIFICATIONS)
        for name in _MAPS
    ),
    *(_change(f"lower in {name}", {name: {"x": 51}}, {name: {"x": 1}}, "entry_removed", versions=_LIMITED_NOTIFICATIONS) for name in _MAPS),
    *(_change(f"remove from {name}", {name: {"x": 51}}, {name: {}}, "entry_removed", versions=_LIMITED_NOTIFICATIONS) for name in _MAPS),
    *(_change(f"remove {name}", {name: {"x": 51}}, {}, "entry_removed", versions=_LIMITED_NOTIFICATIONS) for name in _MAPS),
    *(_change(f"leave {name} alone", {name: {"x": 51}}, {name: {"x": 51}}) for name in _MAPS),
    _change("events above, before notifications were limited", {"events": {"x": 51}}, {}, "entry_removed", versions=_FLOATY),
    _change("notifications above, before they were limited", {"notifications": {"x": 51}}, {"notifications": {"x": 99}}, versions=_FLOATY),
)

USERS = (
    _change("give one's own power", {}, {"users": {MO: 50, BOB: 50}}),
    _change("give more than one has", {}, {"users": {MO: 50, BOB: 51}}, "user_added"),
    _change("raise oneself", {}, {"users": {MO: 51}}, "user_added"),
    _change("lower oneself", {}, {"users": {MO: 10}}),
    _change("remove oneself", {}, {"users": {}}),
    _change("lower a lesser", {"users": {MO: 50, BOB: 49}}, {"users": {MO: 50, BOB: 0}}),
    _change("lower an equal", {"users": {MO: 50, BOB: 50}}, {"users": {MO: 50, BOB: 0}}, "user_removed"),
    _change("raise an equal", {"users": {MO: 50, BOB: 50}}, {"users": {MO: 50, BOB: 51}}, "user_removed"),
    _change("remove an equal", {"users": {MO: 50, BOB: 50}}, {"users": {MO: 50}}, "user_removed"),
    _change("remove a greater", {"users": {MO: 50, BOB: 60}}, {"users": {MO: 50}}, "user_removed"),
    _change("leave a greater alone", {"users": {MO: 50, BOB: 60}}, {"users": {MO: 50, BOB: 60}}),
    _change("creator lowers anybody", {"users": {MO: 1000}}, {"users": {MO: 1}}, sender=ALICE, versions=_CREATORS),
    _change("creator gives anything", {}, {"users": {MO: 2**53 - 1}, "ban": 2**53 - 1}, sender=ALICE, versions=_CREATORS),
    _change("row 1: member without power", {}, {"users": {BOB: 100}}, sender=BOB, versions=range(0)),
)

SENDING = (
    Case("plain message", "m.room.message", BOB, {}),
    Case("plain message without levels", "m.room.message", BOB, {}, levels=None),
    Case("row 1: events_default is for messages", "m.room.message", BOB, {}, "required_level", levels={"events_default": 1}),
    Case("row 1: state_default is not for messages", "m.room.message", BOB, {}, levels={"state_default": 100}),
    Case("row 1: events_default is not for state", "m.room.topic", BOB, {}, "required_level", "", levels={"events_default": 0}),
    Case("state takes 50", "m.room.topic", BOB, {}, "required_level", ""),
    Case("state by who has 50", "m.room.topic", MO, {}, None, ""),
    Case("state takes 50 without levels", "m.room.topic", BOB, {}, "required_level", "", levels=None),
    Case("creator without levels", "m.room.topic", ALICE, {}, None, "", levels=None),
    Case("state_default lowered", "m.room.topic", BOB, {}, None, "", levels={"state_default": 0}),
    Case("type lowered", "m.room.topic", BOB, {}, None, "", levels={"events": {"m.room.topic": 0}}),
    Case("type raised", "m.room.message", MO, {}, "required_level", levels={"events": {"m.room.message": 51}}),
    Case("users_default raised", "m.room.topic", BOB, {}, None, "", levels={"users_default": 50}),
    Case("users_default negative", "m.room.message", BOB, {}, "required_level", levels={"users_default": -1}),
    Case("power levels without power", "m.room.power_levels", BOB, {"users": {BOB: 100}}, "required_level", ""),
    Case("creator is above all", "x.y", ALICE, {}, None, "", levels={"events": {"x.y": 2**53 - 1}}, versions=_CREATORS),
    Case("creator is not above all", "x.y", ALICE, {}, "required_level", "", levels={"events": {"x.y": 101}}, versions=range(1, 12)),
    Case(
        "additional creator is above all",
        "x.y",
        MO,
        {},
        None,
        "",
        levels={"users": {}, "events": {"x.y": 2**53 - 1}},
        create={"additional_creators": [MO]},
        versions=_CREATORS,
    ),
    Case("no creator but in the list", "x.y", MO, {}, "required_level", "", levels={"users": {}}, create={"additional_creators": MO}),
    Case("stranger sends", "m.room.message", EVE, {}, "joined"),
    Case("invited user sends", "m.room.message", EVE, {}, "joined", members={EVE: "invite"}),
    Case("banned user sends", "m.room.message", BOB, {}, "joined", members={BOB: "ban"}),
    Case("user who left sends", "m.room.message", BOB, {}, "joined", members={BOB: "leave"}),
    Case("own state key", "x.y", MO, {}, None, MO),
    Case("foreign state key", "x.y", MO, {}, "foreign_state_key", BOB),
    Case("foreign state key, as creator", "x.y", ALICE, {}, "foreign_state_key", BOB),
    Case("state key that begins as a user", "x.y", MO, {}, "foreign_state_key", "@"),
)

CASES = tuple(case for case in (*SHAPE, *LEVELS, *ENTRIES, *USERS, *SENDING) if case.versions)
