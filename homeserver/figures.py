"""Plain numbers that parts keep of themselves, for whoever measures the server: an integer more on a hot path, never a library."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from homeserver.streams import Change, Streams


class CacheFigures(NamedTuple):
    """`weight` is what is held against `capacity`: bytes, or so many of whatever the cache counts."""

    entries: int
    weight: int
    capacity: int
    loads: int  # how often the store was asked because what was wanted was not there


class Distribution:
    """How often a figure fell below each bound."""

    __slots__ = ("_bounds", "_counts", "count", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self.count = 0
        self.total = 0.0

    def note(self, figure: float) -> None:
        self._counts[bisect_left(self._bounds, figure)] += 1
        self.count += 1
        self.total += figure

    def cumulated(self) -> Iterator[tuple[str, float]]:
        """How many were at most each bound, as Prometheus wants it."""
        return cumulated(self._bounds, self._counts)


def cumulated(bounds: Sequence[float], counts: Sequence[int]) -> Iterator[tuple[str, float]]:
    total = 0
    for name, count in zip((*map(str, bounds), "+Inf"), counts, strict=True):
        total += count
        yield name, total


class CommitFigures:
    """Watches the commits; an observer as the storage takes it."""

    def __init__(self) -> None:
        self.items = Distribution((1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000))
        self.fill = Distribution((0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5))
        self.commit = Distribution((0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0))
        self.lost_items = 0
        self.waiting = 0

    def committing(self, items: int) -> None:
        """In whatever thread: nothing is counted here."""

    def committed(self, items: int, fill_seconds: float, commit_seconds: float, waiting: int) -> None:
        self.items.note(items)
        self.fill.note(fill_seconds)
        self.commit.note(commit_seconds)
        self.waiting = waiting

    def lost(self, items: int, waiting: int) -> None:
        self.lost_items += items
        self.waiting = waiting


class ChangeFigures:
    """Counts what the streams announce, by kind."""

    def __init__(self, streams: Streams) -> None:
        self.counts: dict[str, int] = {}
        streams.subscribe(self._follow)

    def _follow(self, changes: list[Change]) -> None:
        counts = self.counts
        for change in changes:
            counts[change.kind] = counts.get(change.kind, 0) + 1
