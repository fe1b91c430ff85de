"""What a client asks of sliding sync, read from the body once (MSC4186, "Request Body")."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from homeserver.errors import InvalidParam
from homeserver.rooms.reading.serve import Viewer
from homeserver.sync.scope import MAX_TIMELINE_LIMIT
from homeserver.sync.sliding.pos import Pos
from homeserver.sync.sliding.required_state import RequiredState

MAX_LISTS = 100
MAX_SUBSCRIPTIONS = 1_000
MAX_REQUIRED = 500
MAX_CONNECTION_ID = 255
ALL_ROOMS = ((0, 2**53),)


class RoomConfig(NamedTuple):
    """How much of a room."""

    limit: int
    required: RequiredState

    def joined_with(self, other: "RoomConfig") -> "RoomConfig":
        """What satisfies both."""
        return self if self == other else RoomConfig(max(self.limit, other.limit), self.required | other.required)


class ListFilters(NamedTuple):
    """None: no matter."""

    is_dm: bool | None = None
    is_encrypted: bool | None = None
    is_invite: bool | None = None
    spaces: frozenset[str] | None = None
    room_types: frozenset[str | None] | None = None
    not_room_types: frozenset[str | None] | None = None
    tags: frozenset[str] | None = None
    not_tags: frozenset[str] | None = None
    name_like: str | None = None

    @property
    def need_traits(self) -> bool:
        """Whether what a room is counts, beside what it is to the user."""
        return not (self.is_encrypted is None and self.room_types is None and self.not_room_types is None and self.name_like is None)


class ListQuestion(NamedTuple):
    ranges: Sequence[tuple[int, int]]  # inclusive
    filters: ListFilters | None
    config: RoomConfig


class SlidingQuestion(NamedTuple):
    """A body, read."""

    conn_id: str
    lists: Mapping[str, ListQuestion]
    subscriptions: Mapping[str, RoomConfig]
    extensions: Mapping[str, Mapping[str, Any]]  # those that are enabled
    txn_id: str | None


class SlidingCall(NamedTuple):
    """A question, from whom, and where he stands. `body` is the question as it came."""

    viewer: Viewer
    pos: Pos | None
    timeout_ms: int
    question: SlidingQuestion
    body: bytes


def read_question(body: Mapping[str, Any]) -> SlidingQuestion:
    """Of a body that has the right shape. Raises InvalidParam for what is too much."""
    lists, subscriptions = body.get("lists") or {}, body.get("room_subscriptions") or {}
    if len(lists) > MAX_LISTS or len(subscriptions) > MAX_SUBSCRIPTIONS:
        raise InvalidParam(f"At most {MAX_LISTS} lists and {MAX_SUBSCRIPTIONS} room subscriptions")
    conn_id = body.get("conn_id") or ""
    if len(conn_id) > MAX_CONNECTION_ID or "\0" in conn_id:
        raise InvalidParam(f"A conn_id has at most {MAX_CONNECTION_ID} characters")
    extensions = body.get("extensions") or {}
    return SlidingQuestion(
        conn_id=conn_id,
        lists={name: ListQuestion(_ranges(given), _filters(given.get("filters")), _config(given)) for name, given in lists.items()},
        subscriptions={room_id: _config(given) for room_id, given in subscriptions.items()},
        extensions={name: given for name, given in extensions.items() if isinstance(given, dict) and given.get("enabled") is True},
        txn_id=body.get("txn_id"),
    )


def _config(given: Mapping[str, Any]) -> RoomConfig:
    pairs = given.get("required_state") or ()
    if len(pairs) > MAX_REQUIRED:
        raise InvalidParam(f"required_state has at most {MAX_REQUIRED} entries")
    return RoomConfig(min(given.get("timeline_limit", 0), MAX_TIMELINE_LIMIT), RequiredState((type, key) for type, key in pairs))


def _ranges(given: Mapping[str, Any]) -> Sequence[tuple[int, int]]:
    ranges = given.get("ranges")
    if ranges is None:
        one = given.get("range")
        return ALL_ROOMS if one is None else ((one[0], one[1]),)
    return tuple((first, last) for first, last in ranges)


def _filters(given: Mapping[str, Any] | None) -> ListFilters | None:
    if not given:
        return None
    filters = ListFilters(
        is_dm=given.get("is_dm"),
        is_encrypted=given.get("is_encrypted"),
        is_invite=given.get("is_invite", given.get("is_invited")),
        spaces=_names(given, "spaces"),
        room_types=_names(given, "room_types"),
        not_room_types=_names(given, "not_room_types"),
        tags=_names(given, "tags"),
        not_tags=_names(given, "not_tags"),
        name_like=given["room_name_like"].casefold() if given.get("room_name_like") else None,
    )
    return None if filters == ListFilters() else filters


def _names(given: Mapping[str, Any], name: str) -> frozenset[Any] | None:
    """An empty list asks for nothing in particular, as clients leave it there."""
    found = given.get(name)
    return frozenset(found) if found else None
