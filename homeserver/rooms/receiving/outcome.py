"""What became of an event from another server."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Accepted:
    """It is part of the room."""


class SoftFailed(NamedTuple):
    """It was allowed where it stands, but not by now: kept for the graph, shown to nobody, built upon by none of our events."""

    reason: str


class Rejected(NamedTuple):
    """An authorisation rule refuses it for good; kept, so that what comes after it is judged rightly. Not for good where the room's members are not
    known yet: it is judged again when they are."""

    reason: str
    is_final: bool = True


@dataclass(frozen=True, slots=True)
class AlreadyKnown:
    """Nothing to do."""


class Unplaced(NamedTuple):
    """What it cites could not be had, so nothing can be said of it, and it was not kept. It may come again."""

    reason: str


Outcome = Accepted | SoftFailed | Rejected | AlreadyKnown | Unplaced
