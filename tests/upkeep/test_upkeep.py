"""What is past goes, in steps, with pauses, and nothing else goes."""

from itertools import pairwise
from typing import cast

from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher

from homeserver.errors import Unavailable
from homeserver.upkeep.upkeep import FIRST_S, PAUSE_S, ROUND_S, STEP, Task, Upkeep
from tests.support.clock import FakeClock, SeededChance


class Rows:
    """So many rows are past; notes when it was asked to remove some."""

    def __init__(self, clock: FakeClock, past: int = 0) -> None:
        self._clock = clock
        self.past = past
        self.asked: list[tuple[float, int]] = []
        self.error: Exception | None = None
        self.held: Deferred[None] | None = None

    async def forget(self, before_ms: int, most: int) -> int:
        self.asked.append((self._clock.monotonic(), before_ms))
        if self.error is not None:
            raise self.error
        if self.held is not None:
            await self.held
        removed = min(self.past, most)
        self.past -= removed
        return removed


def made(clock: FakeClock, *rows: Rows, kept_ms: int = 1000) -> Upkeep:
    return Upkeep(tuple(Task(f"kind {number}", each.forget, kept_ms) for number, each in enumerate(rows)), clock, SeededChance())


def test_it_removes_in_steps_with_pauses() -> None:
    clock = FakeClock()
    rows, others = Rows(clock, 2 * STEP + 1), Rows(clock)
    upkeep = made(clock, rows, others)
    upkeep.start()
    clock.advance(FIRST_S[0] - 1)
    assert rows.asked == []
    clock.advance(FIRST_S[1] - FIRST_S[0] + 1)
    for _ in range(5):
        clock.advance(PAUSE_S)
    times = [when for when, _ in rows.asked]
    assert (len(times), rows.past, upkeep.removed) == (3, 0, {"kind 0": 2 * STEP + 1, "kind 1": 0})
    assert all(later - earlier >= PAUSE_S for earlier, later in pairwise(times))
    assert len(others.asked) == 1


def test_what_is_kept_is_counted_from_now() -> None:
    clock = FakeClock(wall_ms=5_000_000)
    rows = Rows(clock)
    upkeep = made(clock, rows, kept_ms=2_000_000)
    run = Deferred.fromCoroutine(upkeep.round())
    assert run.called
    assert rows.asked[0][1] == 3_000_000


def test_rounds_go_on_whatever_happens() -> None:
    clock = FakeClock()
    first, second = Rows(clock), Rows(clock)
    first.error = Unavailable("gone")
    upkeep = made(clock, first, second)
    upkeep.start()
    clock.advance(FIRST_S[1])
    assert (len(first.asked), len(second.asked)) == (1, 0)  # the database is away: all the rest waits for the next round
    first.error = None
    clock.advance(ROUND_S[1])
    assert (len(first.asked), len(second.asked)) == (2, 1)


def test_a_fault_of_one_kind_is_logged_and_leaves_the_others() -> None:
    said: list[LogEvent] = []
    observer = cast(ILogObserver, said.append)
    globalLogPublisher.addObserver(observer)
    clock = FakeClock()
    first, second = Rows(clock), Rows(clock)
    first.error = ValueError("wrong")
    upkeep = made(clock, first, second)
    Deferred.fromCoroutine(upkeep.round())
    globalLogPublisher.removeObserver(observer)
    assert len(second.asked) == 1
    assert [(event["kind"], event["log_failure"].type) for event in said] == [("kind 0", ValueError)]


def test_it_stops_after_the_step_that_runs() -> None:
    clock = FakeClock()
    rows = Rows(clock, 10 * STEP)
    rows.held = Deferred()
    upkeep = made(clock, rows)
    upkeep.start()
    clock.advance(FIRST_S[1])
    stopped: list[None] = []
    Deferred.fromCoroutine(upkeep.stop()).addCallback(stopped.append)
    assert stopped == []
    rows.held.callback(None)
    clock.advance(PAUSE_S)
    assert stopped == [None]
    assert (rows.past, clock.waiting()) == (9 * STEP, 0)


def test_it_stops_before_it_has_begun() -> None:
    clock = FakeClock()
    upkeep = made(clock, Rows(clock))
    upkeep.start()
    assert Deferred.fromCoroutine(upkeep.stop()).called
    assert clock.waiting() == 0
