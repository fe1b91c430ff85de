"""Who may do what: one `m.room.power_levels` event, or its absence, read as levels.

Client-server API, "m.room.power_levels" (defaults); rooms/v1 "Deprecated event content schemas" (levels as strings and fractions);
rooms/v12 (creators stand above all).
"""

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from homeserver.protocol.errors import NotAuthorised
from homeserver.protocol.event import Event
from homeserver.protocol.room_versions import RoomVersion

Level = int | float  # float only for INFINITE, the level of privileged creators
INFINITE: Final = math.inf

_STRINGY: Final = re.compile(r"[+-]?[0-9]{1,400}")
_LARGEST_STRINGY: Final = 10**308  # beyond a double a level is no level


def parse_level(value: object, version: RoomVersion) -> int:
    """One level as the version writes it; raises NotAuthorised for what is no level."""
    if type(value) is int:
        return value
    if not version.integer_power_levels:
        if isinstance(value, str) and _STRINGY.fullmatch(value.strip()):
            level = int(value)
            if abs(level) <= _LARGEST_STRINGY:
                return level
        if isinstance(value, float) and math.isfinite(value) and not version.strict_canonical_json:
            return int(value)
    raise NotAuthorised(f"{value!r:.60} is no power level")


def creator_of(create: Event) -> object:
    """The user whose room it is at first: the sender, or what the content says in versions that name it there."""
    return create.sender if create.version.creator_from_sender else create.content.get("creator")


def creators_of(create: Event) -> frozenset[str]:
    """The users above all power levels; none in versions without them."""
    if not create.version.privileged_creators:
        return frozenset()
    additional = create.content.get("additional_creators")
    if not isinstance(additional, list):
        return frozenset((create.sender,))
    return frozenset((create.sender, *(user for user in additional if isinstance(user, str))))


class PowerLevels:
    """The levels in force; entries are parsed when asked for, so making one costs nothing that grows with the room.

    Every question may raise NotAuthorised: the state holds something that is no level.
    """

    __slots__ = ("_content", "_events", "_first_user", "_users", "_version", "creators")

    def __init__(self, content: Mapping[str, Any], creators: frozenset[str], first_user: object, version: RoomVersion) -> None:
        self._content = content
        self._users = _entries(content, "users")
        self._events = _entries(content, "events")
        self._version = version
        self._first_user = first_user  # has 100 while there is no event; None once there is one
        self.creators = creators

    def user(self, user_id: str) -> Level:
        """What this user has."""
        if user_id in self.creators:
            return INFINITE
        value = self._users.get(user_id)
        if type(value) is int:
            return value
        if value is not None:
            return parse_level(value, self._version)
        return 100 if self._first_user is not None and self._first_user == user_id else self.users_default

    def event(self, type_: str, is_state: bool) -> int:
        """What sending an event of this type takes."""
        value = self._events.get(type_)
        if value is not None:
            return parse_level(value, self._version)
        return self.state_default if is_state else self.events_default

    def notification(self, key: str) -> int:
        """What triggering this notification takes, `room` for @room; what is no level counts as the default."""
        try:
            value = _entries(self._content, "notifications").get(key, 50)
            return parse_level(value, self._version)
        except NotAuthorised:
            return 50

    @property
    def users_default(self) -> int:
        return self._named("users_default", 0)

    @property
    def events_default(self) -> int:
        return self._named("events_default", 0)

    @property
    def state_default(self) -> int:
        return self._named("state_default", 50)

    @property
    def ban(self) -> int:
        return self._named("ban", 50)

    @property
    def kick(self) -> int:
        return self._named("kick", 50)

    @property
    def redact(self) -> int:
        return self._named("redact", 50)

    @property
    def invite(self) -> int:
        return self._named("invite", 0)

    def _named(self, name: str, default: int) -> int:
        value = self._content.get(name)
        return default if value is None else parse_level(value, self._version)


def of(power_levels: Event | None, create: Event) -> PowerLevels:
    """The levels this event, or its absence, puts in force in the room of this create event."""
    content = {} if power_levels is None else power_levels.content
    first_user = creator_of(create) if power_levels is None and not create.version.privileged_creators else None
    return PowerLevels(content, creators_of(create), first_user, create.version)


def _entries(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    entries = content.get(name)
    if entries is None:
        return {}
    if not isinstance(entries, Mapping):
        raise NotAuthorised(f"{name} of the power levels is no object")
    return entries
