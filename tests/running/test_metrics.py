"""What Prometheus is told: every metric is named, explained and documented, and says what happened."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from homeserver.version import VERSION
from tests.architecture.tree import ROOT
from tests.running.metrics_table import lines, metrics, used_registry
from tests.support.server import make_server


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> CollectorRegistry:
    return used_registry(tmp_path_factory.mktemp("data"))


def test_the_document_is_that_of_the_server(registry: CollectorRegistry) -> None:
    told = (ROOT / "METRICS.md").read_text("utf-8").splitlines()
    assert [line for line in told if line.startswith("|")] == list(lines(registry)), (
        "python -m tests.running.metrics_table prints the table"
    )


def test_names_follow_the_custom(registry: CollectorRegistry) -> None:
    """Base units, one sentence of explanation, no name twice."""
    found = metrics(registry)
    names = [metric.name for metric in found]
    assert len(names) == len(set(names))
    assert all(metric.documentation.endswith(".") for metric in found)
    assert not any(name.endswith(("_ms", "_milliseconds", "_kib", "_percent")) for name in names)


def test_prometheus_can_read_it(registry: CollectorRegistry) -> None:
    families = {family.name for family in text_string_to_metric_families(generate_latest(registry).decode())}
    assert {"chatme_http_answers", "chatme_stream_position", "process_cpu_seconds", "python_gc_collections"} <= families


def test_it_says_what_happened(tmp_path: Path) -> None:
    server = make_server(tmp_path)
    alice = server.user("alice")
    room = server.ok(alice.post("/_matrix/client/v3/createRoom", {}))["room_id"]

    def told(name: str, **labels: str) -> float | None:
        value: float | None = server.server.registry.get_sample_value(f"chatme_{name}", labels)
        return value

    before = told("stream_changes_total", kind="event") or 0
    server.ok(alice.put(f"/_matrix/client/v3/rooms/{room}/send/m.room.message/1", {"msgtype": "m.text", "body": "hello"}))
    assert told("stream_changes_total", kind="event") == before + 1
    assert told("cache_entries", cache="room_heads") == 1
    assert told("cache_loads_total", cache="transactions") == 1
    assert told("syncs_waiting") == told("room_locks") == told("room_lock_waiting") == 0
    info = [sample for metric in metrics(server.server.registry) if metric.name == "chatme_build_info" for sample in metric.samples]
    assert (info[0].labels["version"], info[0].labels["database"]) == (VERSION, "sqlite")
