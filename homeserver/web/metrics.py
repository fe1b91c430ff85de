"""What the edge counts, from the declarations of the endpoints; read by Prometheus through the registry of the whole server."""

from bisect import bisect_left
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from homeserver.figures import cumulated
from homeserver.web.endpoint import Access, Body, Rate, Reply, endpoint
from homeserver.web.request import Request

_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Measure:
    """The figures of one endpoint: plain integers, bumped without locks on the loop."""

    __slots__ = ("buckets", "method", "path", "seconds", "statuses")

    def __init__(self, method: str, path: str) -> None:
        self.method = method
        self.path = path
        self.statuses: dict[int, int] = {}
        self.buckets = [0] * (len(_BOUNDS) + 1)
        self.seconds = 0.0

    def observe(self, status: int, seconds: float) -> None:
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.buckets[bisect_left(_BOUNDS, seconds)] += 1
        self.seconds += seconds


class Metrics(Collector):
    """All measures of the edge, and the connections."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.connections = 0
        self.running = 0
        self._measures: dict[tuple[str, str], Measure] = {}
        registry.register(self)

    def measure(self, method: str, path: str) -> Measure:
        """The same one for the same endpoint, on however many listeners it is served."""
        return self._measures.setdefault((method, path), Measure(method, path))

    def collect(self) -> Iterator[Metric]:
        answered = CounterMetricFamily("chatme_http_answers", "Answers by endpoint and status.", labels=("method", "endpoint", "status"))
        duration = HistogramMetricFamily(
            "chatme_http_answer_seconds", "Time from a whole request to its answer.", labels=("method", "endpoint")
        )
        for measure in self._measures.values():
            for status, count in measure.statuses.items():
                answered.add_metric((measure.method, measure.path, str(status)), count)
            if measure.statuses:
                duration.add_metric((measure.method, measure.path), list(cumulated(_BOUNDS, measure.buckets)), measure.seconds)
        yield answered
        yield duration
        yield GaugeMetricFamily("chatme_http_connections", "Open client connections.", value=self.connections)
        yield GaugeMetricFamily("chatme_http_running", "Requests being served.", value=self.running)


class MetricsPage:
    """Chapter with `/metrics`; put it on a listener that the public cannot reach."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    @endpoint("GET", "/metrics", access=Access.NONE, rate=Rate.NONE, body=Body.NONE)
    async def show(self, _request: Request) -> Reply:
        return Reply(generate_latest(self._registry), content_type="text/plain; version=0.0.4; charset=utf-8")
