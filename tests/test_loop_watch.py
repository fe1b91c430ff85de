from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from homeserver.loop_watch import BUSY, LONGEST, SHORTEST, LoopWatch
from tests.support.clock import FakeClock


class Machine(FakeClock):
    """Its loop can be blocked, by this process or by others."""

    def __init__(self) -> None:
        super().__init__()
        self.used = 0.0

    def block(self, seconds: float, used: float) -> None:
        """Until the next look is due and that much longer."""
        self.used += used
        due: float = self.reactor.getDelayedCalls()[0].getTime() - self.reactor.seconds()
        self.advance(due + seconds)


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
        machine.block(0.0, used=0.0)
    assert watch.longest == pytest.approx(0, abs=1e-9)


def test_an_idle_server_sleeps(watched: tuple[Machine, LoopWatch, CollectorRegistry]) -> None:
    machine, _, registry = watched

    def looks(seconds: float) -> float:
        before = registry.get_sample_value("chatme_loop_lag_seconds_count") or 0
        for _ in range(round(seconds / SHORTEST)):
            machine.advance(SHORTEST)
        return (registry.get_sample_value("chatme_loop_lag_seconds_count") or 0) - before

    looks(1)
    assert looks(10) <= 10 / LONGEST
    machine.block(0.0, used=2 * BUSY)
    machine.block(0.0, used=2 * BUSY)
    machine.used += 2 * BUSY
    assert looks(SHORTEST) == 1


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
