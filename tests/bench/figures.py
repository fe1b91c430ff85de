"""The figures that are compared, what is wanted of each, and which runs do not count.

A run is the JSON of `hsbench.py` with "coldstart", "whoami_ms" and, for this server, "loop" added to it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Run = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """One row. `factor` over 1: at least so many times the other's; below 1: at most that share of it."""

    name: str
    read: Callable[[Run], float]
    factor: float
    factor_postgres: float | None = None

    def wanted(self, driver: str) -> float:
        return self.factor_postgres if driver == "postgres" and self.factor_postgres is not None else self.factor

    def reached(self, ours: float, theirs: float, driver: str) -> bool:
        wanted = self.wanted(driver)
        return ours >= theirs * wanted if wanted > 1 else ours <= theirs * wanted


def _at(path: str) -> Callable[[Run], float]:
    def read(run: Run) -> float:
        workload, *keys = path.split(".")
        found: Any = run["workloads"][workload]["median"]
        for key in keys:
            found = found[key]
        return float(found)

    return read


def _whoami(run: Run) -> float:
    return float(run["whoami_ms"])


def _memory(moment: str) -> Callable[[Run], float]:
    def read(run: Run) -> float:
        return float(run["resources"][moment]["rss_mb"][0])

    return read


def _database(run: Run) -> float:
    return float(run["notes"]["history_fill_20_users_one_room"]["db_bytes_per_event"])


def _cold_start(run: Run) -> float:
    return float(run["coldstart"]["median"]["first_200_s"])


CPU = "server CPU, ms a message"
FIGURES: Sequence[Figure] = (
    Figure("whoami, 16 connections: server CPU, ms", _whoami, 1 / 15),
    Figure(f"20 users in 20 rooms: {CPU}", _at("conc_send.20_rooms.cpu_s_per_1000_events"), 1 / 30),
    Figure(f"20 users in one room: {CPU}", _at("conc_send.one_room.cpu_s_per_1000_events"), 1 / 25),
    Figure("20 users in 20 rooms: messages/s", _at("conc_send.20_rooms.events_per_s"), 30),
    Figure("20 users in one room: messages/s", _at("conc_send.one_room.events_per_s"), 20),
    Figure("message after message: p50, ms", _at("seq_send.p50_ms"), 1 / 15),
    Figure("50 waiting syncs, paced: p50 of the last, ms", _at("deliver.paced.last_of_50_p50_ms"), 1 / 20),
    Figure(f"50 waiting syncs, paced: {CPU}", _at("deliver.paced.cpu_s_per_1000_events"), 1 / 35),
    Figure("initial sync of 200 rooms: p50, ms", _at("sync.initial.p50_ms"), 1 / 20),
    Figure("sync, nothing new: p50, ms", _at("sync.incremental_nothing.p50_ms"), 1 / 4),
    Figure("sync, one new event: p50, ms", _at("sync.incremental_one_new.p50_ms"), 1 / 6),
    Figure("sliding sync, first window of 20 rooms: p50, ms", _at("sliding.initial_20_rooms.p50_ms"), 1 / 15),
    Figure("sliding sync, 200 rooms with one event each: p50, ms", _at("sliding.initial_200_rooms_tl1.p50_ms"), 1 / 15),
    Figure("sliding sync, one new event: p50, ms", _at("sliding.incremental_one_new.p50_ms"), 1 / 6),
    Figure("300 users join one room: joins/s", _at("members.join_c10.joins_per_s"), 10),
    Figure(f"sending in that room: {CPU}", _at("members.send_in_big_room.cpu_s_per_1000_events"), 1 / 30),
    Figure("paging by 100: events/s", _at("messages.limit100_all.events_per_s"), 10, 5),
    Figure("database, bytes a message, 20 members", _database, 1 / 10),
    Figure("memory idle: RSS, MB", _memory("idle_start"), 1 / 2),
    Figure("memory after the suite: RSS, MB", _memory("after_suite"), 1 / 2),
    Figure("cold start on that database, s", _cold_start, 1 / 3),
)


def faults(run: Run) -> list[str]:
    """Why the run does not count."""
    resources = run["resources"]
    found = [f"{name}: {text}" for name, text in run["errors"].items()]
    found += [f"{resources[name]} times {name}" for name in ("http_429", "http_errors") if resources[name]]
    for path, part in _parts(run["workloads"]):
        found += [f"{path}: {part[name]} {name}" for name in ("lost", "syncers_failed") if part.get(name)]
        if "seen" in part and part["seen"] < part["n"]:
            found.append(f"{path}: {part['n'] - part['seen']} events were not in the sync that should bring them")
    return found


def _parts(workloads: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    parts: list[tuple[str, Mapping[str, Any]]] = []
    for name, workload in workloads.items():
        for run in workload["runs"]:
            parts += [(f"{name}.{key}", part) for key, part in run.items() if isinstance(part, dict)]
            parts.append((name, run))
    return parts


def medians(runs: Sequence[Run]) -> dict[str, float]:
    """Of every figure; nothing without runs."""
    return {figure.name: median([figure.read(run) for run in runs]) for figure in FIGURES} if runs else {}


def table(driver: str, ours: Mapping[str, float], theirs: Mapping[str, float]) -> list[str]:
    """Lines of Markdown."""
    lines = [f"| {driver} | ChatMe | Synapse | ratio | wanted | |", "|---|---:|---:|---:|---:|---|"]
    for figure in FIGURES:
        mine, other, wanted = ours.get(figure.name), theirs.get(figure.name), figure.wanted(driver)
        if mine is None or other is None:
            cells = [number_text(mine), number_text(other), "–", factor_text(wanted), ""]
        else:
            ratio = mine / other if other else 0.0
            cells = [number_text(mine), number_text(other), factor_text(ratio), factor_text(wanted)]
            cells.append("ok" if figure.reached(mine, other, driver) else "short")
        lines.append(f"| {figure.name} | {' | '.join(cells)} |")
    return lines


def number_text(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def factor_text(ratio: float) -> str:
    if ratio <= 0:
        return "0"
    return f"{ratio:,.3g}×" if ratio >= 1 else f"1/{1 / ratio:,.3g}"
