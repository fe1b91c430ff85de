"""The figures of federation that are compared, and what is wanted of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.figures import factor_text, number_text


@dataclass(frozen=True, slots=True)
class Row:
    """`factor` over 1: at least so many times the other's; below 1: at most that share of it; None: nothing is wanted."""

    name: str
    key: str
    factor: float | None = None

    def reached(self, ours: float, theirs: float) -> bool:
        if self.factor is None:
            return True
        return ours >= theirs * self.factor if self.factor > 1 else ours <= theirs * self.factor


ROWS: Sequence[Row] = (
    Row("join of the large room, until it is answered: s", "join_s", 1 / 3),
    Row("the same, until all members are known: s", "whole_s", 1 / 3),
    Row("the same: server CPU, s", "join_cpu_s"),
    Row("memory after it: RSS, MB", "join_mb"),
    Row("longest lag of the loop until then, ms", "lag_ms"),
    Row("reading back its history: events/s", "back_per_s"),
    Row("messages arriving in one room: events/s", "one_room_per_s", 8),
    Row("the same: server CPU, ms an event", "one_room_cpu_ms", 1 / 8),
    Row("messages arriving in 20 rooms: events/s", "rooms_per_s", 10),
    Row("the same: server CPU, ms an event", "rooms_cpu_ms", 1 / 8),
    Row("messages that arrive one by one: events/s", "alone_per_s"),
    Row("the same: server CPU, ms an event", "alone_cpu_ms", 1 / 8),
    Row("until the sync that waits for one is answered: p50, ms", "delivery_ms"),
    Row("sending with no other server in the room: server CPU, ms a message", "told_none_cpu_ms"),
    Row("sending to one server: server CPU, ms a message", "told_one_cpu_ms"),
    Row("sending to 20 servers: server CPU, ms a message", "told_several_cpu_ms"),
    Row("sending to servers that are gone: server CPU, ms a message", "told_gone_cpu_ms"),
)


def medians(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {row.key: median([run[row.key] for run in runs if row.key in run]) for row in ROWS if any(row.key in run for run in runs)}


def table(driver: str, ours: Mapping[str, float], theirs: Mapping[str, float]) -> tuple[list[str], bool]:
    """Lines of Markdown, and whether all was reached that is wanted."""
    lines, good = [f"| {driver} | ChatMe | Synapse | ratio | wanted | |", "|---|---:|---:|---:|---:|---|"], True
    for row in ROWS:
        mine, other = ours.get(row.key), theirs.get(row.key)
        if mine is None and other is None:
            continue
        wanted = "–" if row.factor is None else factor_text(row.factor)
        cells = [number_text(mine), number_text(other), "–", wanted, ""]
        if mine is not None and other:
            cells[2] = factor_text(mine / other)
            if row.factor is not None:
                reached = row.reached(mine, other)
                cells[4], good = "ok" if reached else "short", good and reached
        lines.append(f"| {row.name} | {' | '.join(cells)} |")
    return lines, good
