"""What Prometheus is told of the streams, the storage and the caches; METRICS.md lists it, with what the edge and the loop tell of themselves."""

import platform
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import GCCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from homeserver.figures import CacheFigures, Distribution
from homeserver.version import VERSION
from homeserver.wiring.parts import Parts

Figures = Callable[[], CacheFigures]


class PartMetrics(Collector):
    """Reads the parts' own figures when it is asked."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._caches = caches(parts)

    def collect(self) -> Iterator[Metric]:
        yield from self._streams()
        yield from self._commits()
        yield from self._of_caches()
        yield from self._waiting()
        parts = self._parts
        yield from self._of_federation()
        yield from self._of_appservices()
        yield gauge("presence_users", "Users whose presence is known.", parts.personal.presence.known_users)
        yield counter("search_blocks", "Blocks of the search index that were written.", parts.community.search_index.blocks)
        yield from self._pushes()
        yield counters("upkeep_removed_rows", "Rows removed because they were past, by kind.", "kind", parts.upkeep.removed)
        yield build_information(parts)

    def _streams(self) -> Iterator[Metric]:
        ground = self._parts.ground
        yield gauge("stream_position", "Everything up to this position is on disk and was announced.", ground.streams.position)
        yield counters("stream_changes", "Announced changes, by kind.", "kind", ground.changes.counts)

    def _commits(self) -> Iterator[Metric]:
        commits = self._parts.ground.commits
        yield histogram("commit_items", "Writes that went to disk together.", commits.items)
        yield histogram("commit_fill_seconds", "Time to fill one transaction.", commits.fill)
        yield histogram("commit_seconds", "Time to bring one transaction to disk.", commits.commit)
        yield gauge("commit_waiting_items", "Writes that waited when the last transaction ended.", commits.waiting)
        yield counter("commit_lost_items", "Writes that failed because their transaction or the connection was lost.", commits.lost_items)

    def _of_federation(self) -> Iterator[Metric]:
        federation = self._parts.federation
        traffic = federation.traffic
        outcomes = {"sent": traffic.transactions.sent - traffic.transactions.failed, "failed": traffic.transactions.failed}
        yield gauge("federation_behind", "Servers that have not got everything.", traffic.destinations.behind)
        yield counter("federation_dropped_edus", "What other servers told that was wrong, beside events.", traffic.edus.dropped)
        yield gauge("federation_outages", "Servers that do not answer and are left alone.", len(federation.reach.outages))
        resync = traffic.resync
        fetched = {"done": resync.tries - resync.failures, "failed": resync.failures}
        yield gauge(
            "federation_partial_rooms",
            "Rooms that were entered without their members, which are still to come.",
            len(self._parts.rooms.partial),
        )
        yield counters("federation_resyncs", "Attempts to fetch the members of such a room, by their outcome.", "outcome", fetched)
        yield counters("federation_transactions", "Transactions to other servers, by their outcome.", "outcome", outcomes)
        yield gauge("federation_waiting", "Events and EDUs in memory that are still to be sent.", traffic.destinations.waiting)

    def _of_caches(self) -> Iterator[Metric]:
        entries = GaugeMetricFamily("chatme_cache_entries", "Entries in memory, by cache.", labels=("cache",))
        filled = GaugeMetricFamily(
            "chatme_cache_filled_ratio", "How full a cache is; 1: it drops what was not used for long.", labels=("cache",)
        )
        loads = CounterMetricFamily("chatme_cache_loads", "Questions to the database for what was not in memory.", labels=("cache",))
        for name, figures in self._caches.items():
            found = figures()
            entries.add_metric((name,), found.entries)
            filled.add_metric((name,), found.weight / found.capacity)
            loads.add_metric((name,), found.loads)
        yield from (entries, filled, loads)

    def _pushes(self) -> Iterator[Metric]:
        pushing = self._parts.pushing
        yield gauge("pushers", "Pushers that people have set up.", pushing.reader.pushers)
        yield gauge("pushes_waiting", "Notifications that no gateway or mail server has taken yet.", pushing.reader.waiting)
        yield counters("pushes", "Requests to push gateways, by their outcome.", "outcome", pushing.gateways.outcomes)

    def _of_appservices(self) -> Iterator[Metric]:
        lines = {line.service.id: line for line in self._parts.appservices.outbound.lines}
        accepted = {name: line.figures.accepted for name, line in lines.items()}
        failed = {name: line.figures.failed for name, line in lines.items()}
        yield counters("appservice_transactions", "Transactions that were accepted, by application service.", "appservice", accepted)
        yield counters("appservice_failures", "Transactions that were not, each try.", "appservice", failed)
        behind = GaugeMetricFamily("chatme_appservice_behind", "Changes it has not been told of.", labels=("appservice",))
        for name, line in lines.items():
            behind.add_metric((name,), line.behind)
        yield behind

    def _waiting(self) -> Iterator[Metric]:
        locks = self._parts.rooms.writing.locks
        yield gauge("syncs_waiting", "Syncs that wait for something to happen.", self._parts.sync.feeds.waiting)
        yield gauge("room_locks", "Rooms that are being written.", locks.held)
        yield gauge("room_lock_waiting", "Writers that wait for their room.", locks.waiting)
        yield counter("room_lock_waits", "How often a writer had to wait for its room.", locks.waits)


def caches(parts: Parts) -> Mapping[str, Figures]:
    rooms, finding, federation = parts.rooms, parts.finding, parts.federation
    return {
        "access_tokens": lambda: parts.people.tokens.figures,
        "account_data": lambda: rooms.account_data.figures,
        "appservice_rooms": lambda: parts.appservices.outbound.figures,
        "appservice_users": lambda: parts.appservices.enlisted.tokens.figures,
        "key_counts": lambda: parts.encryption.counting.figures,
        "push_audiences": lambda: parts.personal.push.audiences.figures,
        "push_listeners": lambda: rooms.writing.listeners.figures,
        "receipts": lambda: parts.personal.receipts.figures,
        "room_acls": lambda: federation.acls.figures,
        "room_heads": lambda: rooms.writing.heads.figures,
        "room_server_members": lambda: rooms.server_members.figures,
        "room_servers": lambda: federation.traffic.rooms.figures,
        "room_snapshots": lambda: federation.telling.snapshots.figures,
        "room_summaries": lambda: finding.summaries.figures,
        "room_traits": lambda: parts.sync.sliding.traits.figures,
        "sliding_departures": lambda: parts.sync.sliding.standings.figures,
        "sliding_glances": lambda: parts.sync.sliding.glances.figures,
        "sliding_connections": lambda: parts.sync.sliding.connections.figures,
        "sliding_orders": lambda: parts.sync.sliding.orders.figures,
        "space_children": lambda: finding.summaries.child_figures,
        "server_keys": lambda: federation.reach.keyring.figures,
        "state_events": lambda: rooms.states.event_figures,
        "state_nodes": lambda: rooms.states.node_figures,
        "sync_feeds": lambda: parts.sync.feeds.figures,
        "timelines": lambda: rooms.timelines.figures,
        "to_device_inboxes": lambda: parts.encryption.inboxes.figures,
        "transactions": lambda: rooms.writing.transactions.figures,
        "unread_counts": lambda: parts.personal.push.unread.figures,
    }


def build_information(parts: Parts) -> Metric:
    database = parts.ground.config.database.url.reveal().partition(":")[0]
    labels = {"version": VERSION, "python": platform.python_version(), "database": database}
    found = GaugeMetricFamily("chatme_build_info", "1; the labels say what runs.", labels=tuple(labels))
    found.add_metric(tuple(labels.values()), 1)
    return found


def gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(f"chatme_{name}", about, value=value)


def counter(name: str, about: str, value: float) -> Metric:
    return CounterMetricFamily(f"chatme_{name}", about, value=value)


def counters(name: str, about: str, label: str, values: Mapping[str, float]) -> Metric:
    found = CounterMetricFamily(f"chatme_{name}", about, labels=(label,))
    for key, value in values.items():
        found.add_metric((key,), value)
    return found


def histogram(name: str, about: str, values: Distribution) -> Metric:
    found = HistogramMetricFamily(f"chatme_{name}", about)
    found.add_metric((), list(values.cumulated()), values.total)
    return found


def register_metrics(parts: Parts) -> None:
    """And what Prometheus knows to ask of any process."""
    registry = parts.ground.registry
    registry.register(PartMetrics(parts))
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
