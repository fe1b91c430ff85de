"""Partitions, delays, duplicates and disorder: afterwards three servers know the same room (RELIABILITY 3.4)."""

from pathlib import Path

import pytest

from homeserver.rooms.receiving import gather
from tests.crash.drivers import postgres_server
from tests.rooms.receiving.island import Island
from tests.rooms.receiving.storm import Archipelago, Storm
from tests.support.client import run

VERSIONS = ("12", "11", "10", "6", "12", "11", "1", "2", "3", "5")
CHUNK = 10
ON_POSTGRES = (500, 501, 502)


def weather(archipelago: Archipelago, seed: int, steps: int, *, newest_only: bool = False) -> Storm:
    storm = Storm(archipelago, seed, VERSIONS[seed % len(VERSIONS)])
    for _ in range(steps):
        storm.step()
    storm.heal(newest_only=newest_only)
    storm.fetch_history()
    storm.check()
    storm.verify()
    return storm


@pytest.mark.parametrize("first", range(0, 150, CHUNK))
def test_squalls(tmp_path: Path, first: int) -> None:
    archipelago = Archipelago(tmp_path)
    for seed in range(first, first + CHUNK):
        weather(archipelago, seed, 40)


@pytest.mark.parametrize("first", range(200, 240, CHUNK))
def test_long_storms(tmp_path: Path, first: int) -> None:
    archipelago = Archipelago(tmp_path)
    for seed in range(first, first + CHUNK):
        weather(archipelago, seed, 120)


@pytest.mark.parametrize("first", range(300, 320, CHUNK))
def test_only_the_newest_is_told_afterwards(tmp_path: Path, first: int) -> None:
    archipelago = Archipelago(tmp_path)
    for seed in range(first, first + CHUNK):
        weather(archipelago, seed, 70, newest_only=True)


@pytest.mark.parametrize("first", range(400, 430, CHUNK))
def test_gaps_too_wide_to_fill(tmp_path: Path, first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "MAX_ROUNDS", 1)
    monkeypatch.setattr(gather, "MAX_MISSING", 2)
    archipelago = Archipelago(tmp_path)
    for seed in range(first, first + CHUNK):
        weather(archipelago, seed, 60, newest_only=seed % 2 == 0)


async def closed(island: Island) -> None:
    await island.server.database.close()


def test_on_postgres(tmp_path: Path) -> None:
    with postgres_server(durable=False) as postgres:

        def make(name: str, place: Path, islands: dict[str, Island], number: int) -> Island:
            return Island(name, place, islands, number, postgres.create())

        archipelago = Archipelago(tmp_path, make)
        try:
            for seed in ON_POSTGRES:
                weather(archipelago, seed, 60)
        finally:
            for island in archipelago.islands.values():
                run(closed(island))
