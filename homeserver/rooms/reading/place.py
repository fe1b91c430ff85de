"""Places between the events of a room, as paging tokens name them.

`t<topo>_<position>` lies right after the event that stands there; `s<position>…`, a token of /sync, after everything up to that position of the
stream. All events up to a place are before it.
"""

import re
from typing import NamedTuple

from homeserver.errors import InvalidParam
from homeserver.protocol.limits import MAX_INTEGER
from homeserver.rooms.store import StoredEvent

_TOKEN = re.compile(r"t(-?[0-9]{1,16})_(-?[0-9]{1,16})|s(-?[0-9]{1,16})(?:_[0-9A-Za-z-]*(?:_[0-9]{1,18}){1,2})?", re.ASCII)
_MAX_LENGTH = 100


class Place(NamedTuple):
    """`topo` None: a place of the stream."""

    position: int
    topo: int | None = None

    def __str__(self) -> str:
        return f"s{self.position}" if self.topo is None else f"t{self.topo}_{self.position}"

    @classmethod
    def parse(cls, text: str) -> "Place":
        """Raises InvalidParam for what this server never gave out."""
        match = _TOKEN.fullmatch(text) if len(text) <= _MAX_LENGTH else None
        if match is None:
            raise InvalidParam("This is no token of this server")
        topo, position, stream = match.groups()
        return cls(int(stream)) if topo is None else cls(int(position), int(topo))


BEGINNING = Place(-MAX_INTEGER, -MAX_INTEGER)


def before(event: StoredEvent) -> Place:
    return Place((event.position or 0) - 1, event.topo or 0)


def after(event: StoredEvent) -> Place:
    return Place(event.position or 0, event.topo or 0)


def in_graph(event: StoredEvent) -> tuple[int, int]:
    """Where it stands in the order of the graph."""
    return event.topo or 0, event.position or 0


def before_room(create: StoredEvent, position: int) -> Place:
    """Before the room's first event, as seen from that position: nothing is further back, and the members are those of the position."""
    return Place(position, (create.topo or 0) - 1)


class Span(NamedTuple):
    """What lies between two places: (topo, position) from `low` exclusively to `high` inclusively, and the same of positions alone."""

    low: tuple[int, int] = (-MAX_INTEGER, -MAX_INTEGER)
    high: tuple[int, int] = (MAX_INTEGER, MAX_INTEGER)
    since: int = -MAX_INTEGER
    until: int = MAX_INTEGER

    def after(self, place: Place | None) -> "Span":
        if place is None:
            return self
        if place.topo is None:
            return self._replace(since=max(self.since, place.position))
        return self._replace(low=max(self.low, (place.topo, place.position)))

    def up_to(self, place: Place | None) -> "Span":
        if place is None:
            return self
        if place.topo is None:
            return self._replace(until=min(self.until, place.position))
        return self._replace(high=min(self.high, (place.topo, place.position)))

    def meets(self, event: StoredEvent) -> bool:
        """Whether the place before the event is within."""
        topo, position = in_graph(event)
        return self.low < (topo, position - 1) <= self.high and self.since < position <= self.until

    @property
    def top(self) -> Place:
        return Place(self.high[1], self.high[0])

    def beyond(self, event: StoredEvent, *, backwards: bool) -> "Span":
        """What is left after the event has been read."""
        return self.up_to(before(event)) if backwards else self.after(after(event))
