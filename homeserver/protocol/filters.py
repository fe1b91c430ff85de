"""Filters of the client-server API, compiled once into values that answer quickly.

Specification: client-server API, "Filtering", and the definitions EventFilter, RoomEventFilter and Filter. Wildcards are matched by
searching for their literal pieces in order, in time linear in the text: no pattern of a user becomes a regular expression.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, Self, cast

from homeserver.protocol.errors import InvalidFilter, InvalidIdentifier
from homeserver.protocol.ids import RoomId, UserId
from homeserver.protocol.limits import MAX_FIELD_BYTES, MAX_FILTER_ENTRIES, MAX_FILTER_LIMIT


class Types:
    """A list of event types in which `*` stands for any characters."""

    __slots__ = ("_exact", "_patterns")

    def __init__(self, types: tuple[str, ...]) -> None:
        self._exact = frozenset(kind for kind in types if "*" not in kind)
        self._patterns = tuple(kind.split("*") for kind in types if "*" in kind)

    def __contains__(self, kind: str) -> bool:
        return kind in self._exact or any(_matches(pieces, kind) for pieces in self._patterns)

    @property
    def exact(self) -> frozenset[str] | None:
        """The types as a set that a store can look up; None when there are wildcards."""
        return None if self._patterns else self._exact


def _matches(pieces: list[str], text: str) -> bool:
    """Whether the pieces stand in the text in order: the first at its start, the last at its end."""
    first, last = pieces[0], pieces[-1]
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    position, end = len(first), len(text) - len(last)
    for piece in pieces[1:-1]:
        found = text.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return True


class _Reader:
    """Reads the members of one filter object; counts all list entries of the whole filter."""

    def __init__(self, value: Any, path: str, left: list[int]) -> None:
        if not isinstance(value, dict):
            raise InvalidFilter(f"{path or 'the filter'} is no object")
        self._value: dict[str, Any] = value
        self._path = path
        self._left = left  # one number, shared by all readers of the filter

    def _name(self, member: str) -> str:
        return f"{self._path}.{member}" if self._path else member

    def inner(self, member: str) -> "_Reader":
        return _Reader(self._value.get(member, {}), self._name(member), self._left)

    def strings(self, *members: str) -> tuple[str, ...] | None:
        """The list under the first of these names that is there; None: there is none."""
        for member in members:
            if member in self._value:
                return self._strings(self._value[member], self._name(member))
        return None

    def _strings(self, found: Any, name: str) -> tuple[str, ...]:
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise InvalidFilter(f"{name} is no list of strings")
        self._left[0] -= len(found)
        if self._left[0] < 0:
            raise InvalidFilter(f"the lists of the filter have more than {MAX_FILTER_ENTRIES} entries")
        if any(len(item) > MAX_FIELD_BYTES for item in found):
            raise InvalidFilter(f"{name} has an entry of more than {MAX_FIELD_BYTES} characters")
        return tuple(found)

    def names(self, *members: str) -> frozenset[str] | None:
        found = self.strings(*members)
        return None if found is None else frozenset(found)

    def types(self, member: str) -> Types | None:
        found = self.strings(member)
        return None if found is None else Types(found)

    def identifiers(self, kind: type[UserId] | type[RoomId], *members: str) -> frozenset[str] | None:
        found = self.strings(*members)
        if found is None:
            return None
        try:
            return frozenset(str(kind.parse(item)) for item in found)
        except InvalidIdentifier as error:
            raise InvalidFilter(f"{self._name(members[0])}: {error}") from error

    def flag(self, *members: str) -> bool:
        return self.optional_flag(*members) or False

    def optional_flag(self, *members: str) -> bool | None:
        for member in members:
            found = self._value.get(member)
            if isinstance(found, bool):
                return found
            if found is not None:
                raise InvalidFilter(f"{self._name(member)} is neither true nor false")
        return None

    def limit(self) -> int | None:
        found = self._value.get("limit")
        if found is None:
            return None
        if type(found) is not int or found < 0:
            raise InvalidFilter(f"{self._name('limit')} is no count")
        return min(found, MAX_FILTER_LIMIT)

    def event_format(self) -> Literal["client", "federation"]:
        found = self._value.get("event_format", "client")
        if found not in ("client", "federation"):
            raise InvalidFilter("event_format is neither client nor federation")
        return cast(Literal["client", "federation"], found)


class EventFilter(NamedTuple):
    """Which events by type and sender; None: all."""

    limit: int | None = None
    types: Types | None = None
    not_types: Types | None = None
    senders: frozenset[str] | None = None
    not_senders: frozenset[str] | None = None
    is_trivial: bool = True  # accepts everything; the limit does not count

    def accepts(self, event_type: str, sender: str | None) -> bool:
        """`sender` None: what has no sender, such as account data; only a list of wanted senders refuses it."""
        if self.is_trivial:
            return True
        if not self.accepts_type(event_type):
            return False
        if self.senders is not None and sender not in self.senders:
            return False
        return self.not_senders is None or sender not in self.not_senders

    def accepts_type(self, event_type: str) -> bool:
        """Whether such events are accepted of anybody."""
        return (self.types is None or event_type in self.types) and (self.not_types is None or event_type not in self.not_types)


class RoomEventFilter(NamedTuple):
    """Which events of rooms, and how members are loaded with them."""

    events: EventFilter = EventFilter()
    rooms: frozenset[str] | None = None
    not_rooms: frozenset[str] | None = None
    contains_url: bool | None = None
    related_by_senders: frozenset[str] | None = None
    related_by_rel_types: frozenset[str] | None = None
    rel_types: frozenset[str] | None = None
    not_rel_types: frozenset[str] | None = None
    lazy_load_members: bool = False
    include_redundant_members: bool = False
    unread_thread_notifications: bool = False
    is_trivial: bool = True  # accepts every event of every room

    @classmethod
    def compile(cls, value: Any) -> Self:
        """Of decoded JSON; raises InvalidFilter."""
        return cls._read(_Reader(value, "", [MAX_FILTER_ENTRIES]))

    @classmethod
    def _read(cls, reader: _Reader) -> Self:
        events = _read_event_filter(reader)
        rooms, not_rooms = reader.identifiers(RoomId, "rooms"), reader.identifiers(RoomId, "not_rooms")
        contains_url = reader.optional_flag("contains_url")
        related = (
            reader.identifiers(UserId, "related_by_senders", "io.element.relation_senders"),
            reader.names("related_by_rel_types", "io.element.relation_types"),
        )
        relating = reader.names("org.matrix.msc3874.rel_types"), reader.names("org.matrix.msc3874.not_rel_types")
        return cls(
            events=events,
            rooms=rooms,
            not_rooms=not_rooms,
            contains_url=contains_url,
            related_by_senders=related[0],
            related_by_rel_types=related[1],
            rel_types=relating[0],
            not_rel_types=relating[1],
            lazy_load_members=reader.flag("lazy_load_members"),
            include_redundant_members=reader.flag("include_redundant_members"),
            unread_thread_notifications=reader.flag("unread_thread_notifications", "org.matrix.msc3773.unread_thread_notifications"),
            is_trivial=events.is_trivial and all(part is None for part in (rooms, not_rooms, contains_url, *related, *relating)),
        )

    @property
    def limit(self) -> int | None:
        return self.events.limit

    def accepts_room(self, room_id: str) -> bool:
        return (self.rooms is None or room_id in self.rooms) and (self.not_rooms is None or room_id not in self.not_rooms)

    def accepts(self, event_type: str, sender: str | None, room_id: str, content_has_url: bool | Callable[[], bool]) -> bool:
        """Whether the event is wanted but for its relations: see `accepts_relation`; those to it (`related_by_…`) are the store's to judge."""
        if self.is_trivial:
            return True
        if not self.events.accepts(event_type, sender) or not self.accepts_room(room_id):
            return False
        if self.contains_url is None:
            return True
        return self.contains_url is (content_has_url if isinstance(content_has_url, bool) else content_has_url())

    def accepts_relation(self, rel_type: str | None) -> bool:
        """Whether an event with such a relation (None: without any) is wanted (MSC3874)."""
        return (self.rel_types is None or rel_type in self.rel_types) and (self.not_rel_types is None or rel_type not in self.not_rel_types)


class RoomFilter(NamedTuple):
    """Which rooms, and what of them."""

    rooms: frozenset[str] | None = None
    not_rooms: frozenset[str] | None = None
    include_leave: bool = False
    state: RoomEventFilter = RoomEventFilter()
    timeline: RoomEventFilter = RoomEventFilter()
    ephemeral: RoomEventFilter = RoomEventFilter()
    account_data: RoomEventFilter = RoomEventFilter()

    def accepts_room(self, room_id: str) -> bool:
        return (self.rooms is None or room_id in self.rooms) and (self.not_rooms is None or room_id not in self.not_rooms)


class Filter(NamedTuple):
    """A whole filter, as a client uploads it or gives it inline."""

    event_fields: tuple[tuple[str, ...], ...] | None = None
    event_format: Literal["client", "federation"] = "client"
    presence: EventFilter = EventFilter()
    account_data: EventFilter = EventFilter()
    room: RoomFilter = RoomFilter()

    @classmethod
    def compile(cls, value: Any) -> Self:
        """Of decoded JSON; raises InvalidFilter. Unknown members are let pass, as a later specification may define them."""
        reader = _Reader(value, "", [MAX_FILTER_ENTRIES])
        fields = reader.strings("event_fields")
        room = reader.inner("room")
        return cls(
            event_fields=None if fields is None else tuple(_path(field) for field in fields),
            event_format=reader.event_format(),
            presence=_read_event_filter(reader.inner("presence")),
            account_data=_read_event_filter(reader.inner("account_data")),
            room=RoomFilter(
                rooms=room.identifiers(RoomId, "rooms"),
                not_rooms=room.identifiers(RoomId, "not_rooms"),
                include_leave=room.flag("include_leave"),
                state=RoomEventFilter._read(room.inner("state")),
                timeline=RoomEventFilter._read(room.inner("timeline")),
                ephemeral=RoomEventFilter._read(room.inner("ephemeral")),
                account_data=RoomEventFilter._read(room.inner("account_data")),
            ),
        )

    def select_fields(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The event with the wanted fields only; all of them where the filter names none."""
        if self.event_fields is None:
            return dict(event)
        kept: dict[str, Any] = {}
        for path in self.event_fields:
            _copy_field(event, kept, path)
        return kept


def _read_event_filter(reader: _Reader) -> EventFilter:
    types, not_types = reader.types("types"), reader.types("not_types")
    senders, not_senders = reader.identifiers(UserId, "senders"), reader.identifiers(UserId, "not_senders")
    trivial = all(part is None for part in (types, not_types, senders, not_senders))
    return EventFilter(reader.limit(), types, not_types, senders, not_senders, trivial)


def _path(field: str) -> tuple[str, ...]:
    """Dot-separated names; a backslash makes the next dot or backslash a part of its name (appendices, "Dot-separated property paths")."""
    names, current, position = [], "", 0
    while position < len(field):
        character = field[position]
        if character == "\\" and field[position + 1 : position + 2] in (".", "\\"):
            position += 1
            current += field[position]
        elif character == ".":
            names.append(current)
            current = ""
        else:
            current += character
        position += 1
    return (*names, current)


def _copy_field(source: Mapping[str, Any], target: dict[str, Any], path: tuple[str, ...]) -> None:
    for name in path[:-1]:
        inner = source.get(name)
        if not isinstance(inner, dict):
            return
        source = inner
    if path[-1] not in source:
        return
    for name in path[:-1]:
        target = target.setdefault(name, {})
    target[path[-1]] = source[path[-1]]
