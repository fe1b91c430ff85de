"""Plain figures: distributions, commits, changes, and what the cache of the streams says of itself."""

from homeserver.figures import CacheFigures, ChangeFigures, CommitFigures, Distribution
from homeserver.stream_cache import StreamCache
from homeserver.streams import Change, Streams
from tests.support.client import run
from tests.support.clock import FakeClock


def test_a_distribution_counts_what_is_at_most_each_bound() -> None:
    figures = Distribution((1, 10))
    for figure in (0, 1, 2, 10, 11):
        figures.note(figure)
    assert list(figures.cumulated()) == [("1", 2), ("10", 4), ("+Inf", 5)]
    assert (figures.count, figures.total) == (5, 24)


def test_commits_are_counted_with_what_was_lost() -> None:
    commits = CommitFigures()
    commits.committing(3)
    commits.committed(3, 0.001, 0.002, 7)
    commits.lost(2, 0)
    assert (commits.items.total, commits.fill.total, commits.commit.total) == (3, 0.001, 0.002)
    assert (commits.lost_items, commits.waiting) == (2, 0)


def test_changes_are_counted_by_kind() -> None:
    streams = Streams()
    figures = ChangeFigures(streams)
    streams.publish([Change(1, "event"), Change(2, "receipt"), Change(3, "event")], 3)
    assert figures.counts == {"event": 2, "receipt": 1}


def test_a_cache_tells_its_size_and_its_loads() -> None:
    async def load(key: str) -> list[str]:
        return [key] * 3

    cache: StreamCache[list[str]] = StreamCache(load, lambda value, change: True, len, 10)
    for key in ("a", "b", "a"):
        run(cache.get(key), FakeClock())
    assert cache.figures == CacheFigures(entries=2, weight=6, capacity=10, loads=2)
