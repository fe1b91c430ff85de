"""Which rooms a question looks at: windows on lists, and subscriptions (MSC4186, "Lists and subscriptions")."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import orjson

from homeserver.account_data.account_data import UserData
from homeserver.account_data.store import GLOBAL
from homeserver.sync.sliding.lists.order import RoomOrder
from homeserver.sync.sliding.lists.standing import Standing
from homeserver.sync.sliding.lists.traits import UNKNOWN, Traits
from homeserver.sync.sliding.request import ListFilters, ListQuestion, RoomConfig, SlidingQuestion

TAGS = "m.tag"
DIRECT = "m.direct"

Predicate = Callable[[str], bool]


class Surroundings(NamedTuple):
    """What lists are filtered by."""

    standing: Standing
    order: RoomOrder
    data: UserData
    directs: frozenset[str]
    traits: Mapping[str, Traits]
    children: Mapping[frozenset[str], set[str]]  # of spaces that filters name


class Looked(NamedTuple):
    """The rooms, how much of each, how many each list has, and which of them are in its windows."""

    rooms: Mapping[str, RoomConfig]
    counts: Mapping[str, int]
    windows: Mapping[str, Sequence[str]]


def look(question: SlidingQuestion, around: Surroundings) -> Looked:
    rooms: dict[str, RoomConfig] = {}
    counts: dict[str, int] = {}
    windows: dict[str, Sequence[str]] = {}
    others = around.standing.others
    for name, wanted in question.lists.items():
        counts[name], windows[name] = _window(wanted, around, others)
        _add(rooms, windows[name], wanted.config)
    for room_id, config in question.subscriptions.items():
        if around.standing.record(room_id) is not None:
            _add(rooms, (room_id,), config)
    return Looked(rooms, counts, windows)


def _add(rooms: dict[str, RoomConfig], room_ids: Iterable[str], config: RoomConfig) -> None:
    for room_id in room_ids:
        before = rooms.get(room_id)
        rooms[room_id] = config if before is None else before.joined_with(config)


def _window(wanted: ListQuestion, around: Surroundings, others: dict[str, int]) -> tuple[int, list[str]]:
    """(how many rooms the list has, those in its ranges)."""
    rooms = around.order.latest_first(others)
    if wanted.filters is None:
        count = len(around.order.last) + len(others)
        last = max((last for _, last in wanted.ranges), default=-1)
        listed = list(islice(rooms, min(last + 1, count)))
    else:
        accepts = _predicate(wanted.filters, around)
        listed = [room_id for room_id in rooms if accepts(room_id)]
        count = len(listed)
    if len(wanted.ranges) == 1:
        first, last = wanted.ranges[0]
        return count, listed[first : last + 1]
    places = sorted({place for first, last in wanted.ranges for place in range(first, min(last + 1, len(listed)))})
    return count, [listed[place] for place in places]


def _predicate(wanted: ListFilters, around: Surroundings) -> Predicate:
    tests: list[Predicate] = []
    if wanted.is_dm is not None:
        tests.append(lambda room_id: (room_id in around.directs) is wanted.is_dm)
    if wanted.is_invite is not None:
        tests.append(lambda room_id: _is_invite(room_id, around.standing) is wanted.is_invite)
    if wanted.tags is not None or wanted.not_tags is not None:
        tests.append(lambda room_id: _has_tags(room_id, wanted, around.data))
    if wanted.spaces is not None:
        children = around.children.get(wanted.spaces, set())
        tests.append(lambda room_id: room_id in children)
    if wanted.need_traits:
        tests.append(lambda room_id: _has_traits(around.traits.get(room_id, UNKNOWN), wanted))
    return lambda room_id: all(test(room_id) for test in tests)


def _is_invite(room_id: str, standing: Standing) -> bool:
    record = standing.pending.get(room_id)
    return record is not None and record.membership == "invite"


def _has_tags(room_id: str, wanted: ListFilters, data: UserData) -> bool:
    content = data.content(room_id, TAGS)
    tags: Any = orjson.loads(content).get("tags") if content else None
    names = tags.keys() if isinstance(tags, dict) else ()
    if wanted.not_tags is not None and not wanted.not_tags.isdisjoint(names):
        return False
    return wanted.tags is None or not wanted.tags.isdisjoint(names)


def _has_traits(traits: Traits, wanted: ListFilters) -> bool:
    if wanted.is_encrypted is not None and traits.is_encrypted is not wanted.is_encrypted:
        return False
    if wanted.not_room_types is not None and traits.type in wanted.not_room_types:
        return False
    if wanted.room_types is not None and traits.type not in wanted.room_types:
        return False
    return wanted.name_like is None or wanted.name_like in traits.name.casefold()


def direct_rooms(data: UserData, before: tuple[bytes | None, frozenset[str]]) -> tuple[bytes | None, frozenset[str]]:
    """The rooms that the user calls direct chats, and where he says so (client-server API, "Direct Messaging")."""
    content = data.content(GLOBAL, DIRECT)
    if content == before[0]:
        return before
    by_user: Any = orjson.loads(content) if content else {}
    lists = by_user.values() if isinstance(by_user, dict) else ()
    return content, frozenset(room_id for rooms in lists if isinstance(rooms, list) for room_id in rooms if isinstance(room_id, str))
