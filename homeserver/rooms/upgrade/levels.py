"""The power levels of a room's successor, and those that quiet the old room. Pure. Client-server API, "Room upgrades"; rooms/v12."""

from collections.abc import Mapping
from typing import Any

from homeserver.protocol.auth_rules.power_levels import parse_level
from homeserver.protocol.errors import NotAuthorised
from homeserver.protocol.room_versions import RoomVersion

ADMIN = 100
TOMBSTONE = 150  # where creators stand above all levels
_NAMED = ("ban", "events_default", "historical", "invite", "kick", "redact", "state_default", "users_default")
_TABLES = ("events", "notifications", "users")
Levels = dict[str, Any]


def as_numbers(content: Mapping[str, Any], version: RoomVersion) -> Levels:
    """The same levels as every version takes them: whole numbers; what is no level falls away."""
    levels: Levels = {key: value for key, value in content.items() if key not in _NAMED and key not in _TABLES}
    for key in _NAMED:
        level = _level(content.get(key), version)
        if level is not None:
            levels[key] = level
    for table in _TABLES:
        entries = content.get(table)
        if isinstance(entries, Mapping):
            levels[table] = {key: level for key, value in entries.items() if (level := _level(value, version)) is not None}
    return levels


def _level(value: object, version: RoomVersion) -> int | None:
    try:
        return None if value is None else parse_level(value, version)
    except NotAuthorised:
        return None


def successor_levels(
    levels: Levels, *, old: RoomVersion, new: RoomVersion, old_creators: frozenset[str], new_creators: frozenset[str], upgrader: str
) -> Levels:
    """What shall hold in the successor. Creators of a version that lifts them above all are not named in it."""
    users = dict(levels.get("users", {}))
    if new.privileged_creators:
        users = {user: level for user, level in users.items() if user not in new_creators}
    elif old.privileged_creators:
        users.update(dict.fromkeys((*old_creators, upgrader), ADMIN))
    carried = {**levels, "users": users}
    if new.privileged_creators:
        events = dict(levels.get("events", {}))
        state_default = levels.get("state_default", 50)
        if not old.privileged_creators or events.get("m.room.tombstone", state_default) <= state_default:
            events["m.room.tombstone"] = max(TOMBSTONE, state_default + 1, events.get("m.room.tombstone", 0))
        carried["events"] = events
    return carried


def building_levels(levels: Levels, new: RoomVersion, upgrader: str) -> Levels:
    """What must hold while the upgrader builds the successor: the power to send everything that is carried over."""
    if new.privileged_creators:
        return levels
    events: Mapping[str, int] = levels.get("events", {})
    needed = max(ADMIN, levels.get("state_default", 50), levels.get("ban", 50), *events.values())
    users: Mapping[str, int] = levels.get("users", {})
    own = users.get(upgrader, levels.get("users_default", 0))
    return levels if own >= needed and upgrader in users else {**levels, "users": {**users, upgrader: max(own, needed)}}


def quieted_levels(levels: Levels) -> Levels:
    """The old room: no more messages and invites by ordinary members."""
    floor = max(50, levels.get("users_default", 0) + 1)
    return {
        **levels,
        "events_default": max(floor, levels.get("events_default", 0)),
        "invite": max(floor, levels.get("invite", 0)),
    }
