import gc
from collections.abc import Iterator

import pytest

from homeserver.upkeep import heap
from homeserver.upkeep.heap import COUNTED_EVERY, MIDDLE, NEVER, PERIOD, YOUNGEST, Heap
from tests.support.clock import FakeClock


class Objects:
    """A garbage collector that counts: what is new, what was set apart, and what of that is garbage."""

    def __init__(self) -> None:
        self.new, self.apart, self.garbage = 100, 0, 0
        self.enabled = False
        self.looks: list[int] = []  # at how many objects
        self.threshold = (700, 10, 10)

    def collect(self) -> int:
        self.looks.append(self.new)
        found, self.garbage = (self.garbage, 0) if not self.apart else (0, self.garbage)
        self.new -= found
        return found

    def freeze(self) -> None:
        self.apart, self.new = self.apart + self.new, 0

    def unfreeze(self) -> None:
        self.new, self.apart = self.new + self.apart, 0

    def get_freeze_count(self) -> int:
        return self.apart

    def get_threshold(self) -> tuple[int, int, int]:
        return self.threshold

    def set_threshold(self, youngest: int, middle: int, oldest: int, /) -> None:
        self.threshold = (youngest, middle, oldest)

    def enable(self) -> None:
        self.enabled = True


class World:
    def __init__(self) -> None:
        self.clock, self.objects, self.used = FakeClock(), Objects(), 0.0
        self.heap = Heap(self.clock, lambda: self.used, self.objects)
        self.heap.start()

    def pass_by(self, new: int, used: float) -> list[int]:
        """A period; at how many objects was looked."""
        self.objects.new += new
        self.used += used
        self.objects.looks.clear()
        self.clock.advance(PERIOD)
        return list(self.objects.looks)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.heap.stop()
    assert not world.clock.waiting()
    assert world.objects.threshold == (700, 10, 10)
    assert world.objects.apart == 0


def test_only_what_is_new_is_gone_through(world: World) -> None:
    assert world.objects.enabled
    assert world.objects.threshold == (YOUNGEST, MIDDLE, NEVER)
    assert [world.pass_by(20, used=5.0), world.pass_by(7, used=5.0), world.pass_by(0, used=0.0)] == [[20], [7], [0]]
    assert world.pass_by(0, used=0.0) == []  # nothing happened


def test_everything_is_gone_through_once_it_has_grown_and_there_is_nothing_else_to_do(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heap, "COUNTED_EVERY", 1)
    assert world.pass_by(60, used=5.0) == [60]
    world.objects.garbage = 30
    assert world.pass_by(0, used=0.0) == [0, 160]
    assert world.objects.apart == 130
    assert [world.pass_by(0, used=5.0), world.pass_by(0, used=0.0)] == [[0], [0]]


def test_counting_is_seldom(world: World) -> None:
    world.pass_by(350, used=9.0)
    assert [world.pass_by(0, used=9.0) for _ in range(COUNTED_EVERY - 1)] == [[0]] * (COUNTED_EVERY - 2) + [[0, 450]]


def test_a_server_that_is_always_busy_goes_through_everything_at_last(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heap, "COUNTED_EVERY", 1)
    assert world.pass_by(250, used=9.0) == [250]
    assert world.pass_by(100, used=9.0) == [100, 450]


def test_with_the_real_collector() -> None:
    clock, used = FakeClock(), iter(range(10))
    real = Heap(clock, lambda: next(used))
    real.start()
    try:
        before = gc.get_freeze_count()
        kept = [[number] for number in range(1000)]
        clock.advance(PERIOD)
        assert gc.get_freeze_count() > before + len(kept) // 2
        assert gc.get_threshold()[2] == NEVER
    finally:
        real.stop()
    assert gc.get_freeze_count() == 0
    assert gc.get_threshold()[2] != NEVER
