"""Who may change the levels: the rule on `m.room.power_levels` (9 or 10, by version)."""

from collections.abc import Mapping
from typing import Any, Final

from homeserver.protocol.auth_rules.power_levels import Level, PowerLevels, parse_level
from homeserver.protocol.auth_rules.rule_numbers import refusal
from homeserver.protocol.auth_rules.user_id_shape import looks_like_user_id
from homeserver.protocol.errors import NotAuthorised
from homeserver.protocol.event import Event
from homeserver.protocol.room_versions import RoomVersion

_LEVELS: Final = ("users_default", "events_default", "state_default", "ban", "redact", "kick", "invite")


def check_power_levels(event: Event, current: Event | None, levels: PowerLevels) -> None:
    """The whole rule; `levels` are those of `current`, the event to be replaced, if there is one."""
    content, version = event.content, event.version
    maps = ("events", "notifications") if version.limit_notifications_power_levels else ("events",)
    _check_shape(content, maps, levels, version)
    if current is None:
        return
    power = levels.user(event.sender)
    _check_levels(current.content, content, power, version)
    for name in maps:
        _check_entries(_read(current.content, name, version), _read(content, name, version), power, version)
    _check_users(_read(current.content, "users", version), _read(content, "users", version), power, event)


def _check_shape(content: Mapping[str, Any], maps: tuple[str, ...], levels: PowerLevels, version: RoomVersion) -> None:
    # Versions before 10 do not say what a wrong level is worth; one that nobody can read must not come to stand.
    for name in _LEVELS:
        if name in content:
            _check_level(content[name], "power_levels.levels", version)
    for name in maps:
        if name in content:
            _check_map(content[name], "power_levels.maps", version)
    users = content.get("users", {})
    _check_map(users, "power_levels.users", version)
    if not all(looks_like_user_id(user) for user in users):
        raise refusal(version, "power_levels.users", "a level is given to what is no user ID")
    if not levels.creators.isdisjoint(users):
        raise refusal(version, "power_levels.creators", "a level is given to a creator")


def _check_map(entries: object, rule: str, version: RoomVersion) -> None:
    if not isinstance(entries, Mapping):
        raise refusal(version, rule, "no object where levels are expected")
    for value in entries.values():
        _check_level(value, rule, version)


def _check_level(value: object, rule: str, version: RoomVersion) -> None:
    try:
        parse_level(value, version)
    except NotAuthorised as error:
        raise refusal(version, rule, str(error)) from None


def _read(content: Mapping[str, Any], name: str, version: RoomVersion) -> dict[str, int]:
    entries = content.get(name)
    if not isinstance(entries, Mapping):
        return {}
    return {key: value if type(value) is int else parse_level(value, version) for key, value in entries.items()}


def _check_levels(old: Mapping[str, Any], new: Mapping[str, Any], power: Level, version: RoomVersion) -> None:
    for name in _LEVELS:
        before = parse_level(old[name], version) if name in old else None
        after = parse_level(new[name], version) if name in new else None
        if before == after:
            continue
        if before is not None and before > power:
            raise refusal(version, "power_levels.level_changed.current", f"{name} is above the sender")
        if after is not None and after > power:
            raise refusal(version, "power_levels.level_changed.new", f"{name} would be above the sender")


def _check_entries(old: dict[str, int], new: dict[str, int], power: Level, version: RoomVersion) -> None:
    if old == new:
        return
    for key, before in old.items():
        if before > power and new.get(key) != before:
            raise refusal(version, "power_levels.entry_removed", "an entry above the sender changes")
    for key, after in new.items():
        if after > power and old.get(key) != after:
            raise refusal(version, "power_levels.entry_added", "an entry would be above the sender")


def _check_users(old: dict[str, int], new: dict[str, int], power: Level, event: Event) -> None:
    if old == new:
        return
    for user, before in old.items():
        if before >= power and user != event.sender and new.get(user) != before:
            raise refusal(event.version, "power_levels.user_removed", "the level of a user not below the sender changes")
    for user, after in new.items():
        if after > power and old.get(user) != after:
            raise refusal(event.version, "power_levels.user_added", "a user would be above the sender")
