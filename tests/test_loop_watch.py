from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from homeserver.loop_watch import PERIOD, LoopWatch
from tests.support.clock import FakeClock


class Machine(FakeClock):
    """Its loop can be blocked, by this process or by others."""

    def __init__(self) -> None:
        super().__init__()
        self.used = 0.0

    def block(self, seconds: float, used: float) -> None:
        """Until the timer's due time and that much longer."""
        self.used += used
        self.advance(PERIOD + seconds)


def watching() -> Iterator[tuple[Machine, LoopWatch, CollectorRegistry]]:
    machine, registry = Machine(), CollectorRegistry()
    watch = LoopWatch(machine, registry, lambda: machine.used)
    watch.start()
    yield machine, watch, registry
    watch.stop()
    assert not machine.waiting()


watched = pytest.fixture(watching)


def test_a_loop_that_is_free_is_not_late(watched: tuple[Machine, LoopWatch, CollectorRegistry]) -> None:
    machine, watch, _ = watched
    for _ in range(10):
        machine.advance(PERIOD)
    assert watch.longest == pytest.approx(0, abs=1e-9)


def test_the_longest_lag_is_kept_with_what_was_used_meanwhile(watched: tuple[Machine, LoopWatch, CollectorRegistry]) -> None:
    machine, watch, registry = watched
    machine.block(0.004, used=0.004)
    machine.block(0.3, used=0.29)
    machine.block(0.02, used=0.0)
    assert watch.longest == pytest.approx(0.3)
    assert watch.longest_used == pytest.approx(0.29)
    page = generate_latest(registry).decode()
    assert 'chatme_loop_lag_seconds_bucket{le="0.005"} 1.0' in page
    assert 'chatme_loop_lag_seconds_bucket{le="+Inf"} 3.0' in page
    assert f"chatme_loop_lag_longest_seconds {watch.longest}" in page


def test_stopping_twice_is_harmless() -> None:
    machine = Machine()
    watch = LoopWatch(machine, CollectorRegistry(), lambda: 0.0)
    watch.start()
    watch.stop()
    watch.stop()
    assert not machine.waiting()
