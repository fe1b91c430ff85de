"""Whether the event loop is ever kept from its work: a timer that notes how late it was called.

What blocks the loop for a time makes the timer late by nearly as much. The processor time that this process used between the two calls tells a
server that kept itself busy from one whose machine was busy with others. The less there is to do, the rarer it looks: an idle server sleeps.
"""

from collections.abc import Callable, Iterator
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from homeserver.clock import Clock
from homeserver.figures import Distribution

SHORTEST, LONGEST = 0.025, 0.2  # seconds from look to look; a block is seen as this much shorter at most
BUSY = 0.003  # seconds of processor time between two looks: look more often
_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)


class Timer(Protocol):
    """A call to come."""

    def cancel(self) -> object: ...


class LoopWatch(Collector):
    """Measures from `start` to `stop`. `processor_seconds`: what this process has used so far."""

    def __init__(
        self,
        clock: Clock,
        registry: CollectorRegistry,
        processor_seconds: Callable[[], float],
        call_later: Callable[[float, Callable[[], None]], Timer] | None = None,
    ) -> None:
        """`call_later`: the loop's own, which costs a fifth of the clock's."""
        self._clock = clock
        self._call_later = call_later or clock.call_later
        self._processor_seconds = processor_seconds
        self._lateness = Distribution(_BOUNDS)
        self._timer: Timer | None = None
        self._period = SHORTEST
        self._due = 0.0
        self._used = 0.0
        self.longest = 0.0  # the greatest lateness so far
        self.longest_used = 0.0  # processor time of this process in that period
        registry.register(self)

    def start(self) -> None:
        self._used = self._processor_seconds()
        self._wait()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        self._due = self._clock.monotonic() + self._period
        self._timer = self._call_later(self._period, self._note)

    def _note(self) -> None:
        late = max(0.0, self._clock.monotonic() - self._due)
        used = self._processor_seconds()
        self._lateness.note(late)
        if late > self.longest:
            self.longest = late
            self.longest_used = used - self._used
        self._period = SHORTEST if used - self._used > BUSY else min(2 * self._period, LONGEST)
        self._used = used
        self._wait()

    def collect(self) -> Iterator[Metric]:
        lateness = HistogramMetricFamily("chatme_loop_lag_seconds", "How late a timer was called.")
        lateness.add_metric((), list(self._lateness.cumulated()), self._lateness.total)
        yield lateness
        yield GaugeMetricFamily("chatme_loop_lag_longest_seconds", "The greatest of them since the start.", value=self.longest)
        used = "Processor time of this process while it came about; far less than the lag: the machine or the disk was busy."
        yield GaugeMetricFamily("chatme_loop_lag_longest_processor_seconds", used, value=self.longest_used)
