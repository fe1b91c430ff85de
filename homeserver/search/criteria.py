"""What a client searches for (client-server API, "POST /search"), and where a further page goes on."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from homeserver.errors import InvalidParam
from homeserver.protocol.errors import InvalidFilter
from homeserver.protocol.filters import RoomEventFilter
from homeserver.protocol.limits import MAX_INTEGER
from homeserver.search.store import MESSAGE, NAME, TOPIC
from homeserver.search.term import BEST, Term

NORMAL_LIMIT, MAX_LIMIT = 10, 100
NORMAL_CONTEXT, MAX_CONTEXT = 5, 50
TYPE_OF_KEY = {"content.body": MESSAGE, "content.name": NAME, "content.topic": TOPIC}
GROUPS = ("room_id", "sender")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,800}", re.ASCII)


class Surroundings(NamedTuple):
    """How many events before and after each result, and whether the names of their senders."""

    before: int
    after: int
    profiles: bool


class Criteria(NamedTuple):
    term: Term
    types: frozenset[str]
    wanted: RoomEventFilter
    ranked: bool
    limit: int
    surroundings: Surroundings | None
    include_state: bool
    group_by: tuple[str, ...]


def read_criteria(body: Mapping[str, Any]) -> Criteria:
    """The category `room_events`, checked by its schema already."""
    try:
        wanted = RoomEventFilter.compile(body.get("filter") or {})
    except InvalidFilter as error:
        raise InvalidParam(f"The filter cannot be used: {error}") from error
    keys = body.get("keys")
    groups = [group.get("key") for group in (body.get("groupings") or {}).get("group_by", ())]
    return Criteria(
        term=Term.read(body["search_term"]),
        types=frozenset(TYPE_OF_KEY.values() if keys is None else (TYPE_OF_KEY[key] for key in keys)),
        wanted=wanted,
        ranked=body.get("order_by", "rank") == "rank",
        limit=min(max(NORMAL_LIMIT if wanted.limit is None else wanted.limit, 1), MAX_LIMIT),
        surroundings=_surroundings(body.get("event_context")),
        include_state=body.get("include_state") or False,
        group_by=tuple(group for group in GROUPS if group in groups),
    )


def _surroundings(wish: Mapping[str, Any] | None) -> Surroundings | None:
    if wish is None:
        return None
    before, after = (min(wish.get(name, NORMAL_CONTEXT), MAX_CONTEXT) for name in ("before_limit", "after_limit"))
    return Surroundings(before, after, wish.get("include_profile") or False)


class Continuation(NamedTuple):
    """Results after the one with this rank and position, among events before position `before`; `counted` results are further up.

    `group` and `value`: of one group alone. It holds nothing secret: whoever invents one sees no more than he may.
    """

    before: int = MAX_INTEGER
    rank: int = BEST + 1
    position: int = MAX_INTEGER
    counted: int = 0
    group: str = ""
    value: str = ""

    def __str__(self) -> str:
        return urlsafe_b64encode(orjson.dumps(list(self))).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> "Continuation":
        """Raises InvalidParam for what this server never gave out."""
        try:
            if _TOKEN.fullmatch(text) is None:
                raise ValueError
            *numbers, group, value = orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            before, rank, position, counted = numbers
        except ValueError as error:
            raise InvalidParam("next_batch is no token of this server") from error
        if not all(type(number) is int and abs(number) <= MAX_INTEGER for number in numbers) or group not in ("", *GROUPS):
            raise InvalidParam("next_batch is no token of this server")
        return cls(before, rank, position, counted, group, str(value))
