"""Fifty thousand generated requests: no 5xx, nothing unhandled in the log, bounded memory, and an honest message arrives after every thousand."""

from pathlib import Path

import pytest

from config.database import DatabaseSettings
from config.secret import Secret
from homeserver.streams import Streams
from storage.database import Database
from storage.drivers.threads import NoThreads
from storage.open_storage import open_database
from tests.crash.drivers import postgres_server
from tests.fuzz.run import Fuzzer, Report
from tests.fuzz.wire import Wire
from tests.running.process import SERVE, Running
from tests.support.client import run
from tests.support.clock import FakeClock, SeededChance
from tests.support.server import make_server

IN_PROCESS, ON_POSTGRES, ON_THE_WIRE = 43_000, 4_000, 3_000
SEED = 2024
GROWTH_MIB = 64
SLOWEST_MS = 1000  # of CPU for one request


def hold(report: Report, count: int) -> None:
    assert report.failures == {}, str(report)
    assert report.count == count
    assert report.controls == count // 1000
    assert report.statuses[200] > count // 6  # some endpoints have nothing to tell here, and some are for administrators
    assert report.slowest_ms < SLOWEST_MS, report.slowest
    assert report.grown_mib < GROWTH_MIB, str(report)


async def open_inline(url: str, streams: Streams) -> Database:
    """Everything at once, on the spot."""
    clock, chance = FakeClock(), SeededChance()
    settings = DatabaseSettings(url=Secret(url))
    return await open_database(settings, directory=Path(), streams=streams, clock=clock, chance=chance, threads=NoThreads())


async def close(database: Database) -> None:
    await database.close()


@pytest.mark.slow
def test_in_process(tmp_path: Path) -> None:
    fuzzer = Fuzzer(make_server(tmp_path, seed=SEED), SEED)
    hold(fuzzer.run(IN_PROCESS), IN_PROCESS)


@pytest.mark.slow
def test_on_postgres(tmp_path: Path) -> None:
    with postgres_server(durable=False) as postgres:
        streams = Streams()
        database = run(open_inline(postgres.create(), streams))
        server = make_server(tmp_path, database=database, streams=streams, seed=SEED)
        try:
            hold(Fuzzer(server, SEED + 1).run(ON_POSTGRES), ON_POSTGRES)
        finally:
            run(close(database))


@pytest.mark.slow
def test_on_the_wire(tmp_path: Path) -> None:
    words = [SERVE, "--data", str(tmp_path / "data"), "--name", "wire.test", "--client", "127.0.0.1:0", "--cheap-passwords", "--no-limits"]
    with Running(words, tmp_path) as server:
        report = Wire(server, make_server(tmp_path), SEED).run(ON_THE_WIRE)
        assert report.failures == []
        assert report.honest == ON_THE_WIRE // 250
        assert sum(report.answers.values()) > ON_THE_WIRE // 2
        said = [
            line
            for line in server.errors().splitlines()
            if "level=error" in line or "level=critical" in line or line.startswith("Traceback")
        ]
        assert said == []
