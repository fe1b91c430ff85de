"""The table of METRICS.md, from a server that has done a little of everything: `python -m tests.running.metrics_table` prints it."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from homeserver.loop_watch import LoopWatch
from tests.support.server import make_server

OURS = "chatme_"


def used_registry(directory: Path) -> CollectorRegistry:
    """Of a server whose metrics all have values."""
    server = make_server(directory)
    LoopWatch(server.clock, server.server.registry, lambda: 0.0)
    alice = server.user("alice")
    server.ok(alice.post("/_matrix/client/v3/createRoom", {}))
    return server.server.registry


def metrics(registry: CollectorRegistry) -> list[Metric]:
    return sorted((metric for metric in registry.collect() if metric.name.startswith(OURS)), key=lambda metric: metric.name)


def lines(registry: CollectorRegistry) -> Iterator[str]:
    yield "| metric | kind | labels | what it tells |"
    yield "|---|---|---|---|"
    for metric in metrics(registry):
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        labels = dict.fromkeys(label for sample in metric.samples for label in sample.labels if label != "le")
        yield f"| `{name}` | {metric.type} | {', '.join(labels)} | {metric.documentation} |"


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        sys.stdout.writelines(f"{line}\n" for line in lines(used_registry(Path(directory))))


if __name__ == "__main__":
    main()
