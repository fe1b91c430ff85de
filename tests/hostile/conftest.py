"""One server that is lied to for each driver, in which every case has people and a room of its own."""

from collections.abc import Iterator

import pytest

from config.database import DatabaseSettings
from config.secret import Secret
from homeserver.streams import Streams
from storage.drivers.threads import NoThreads
from storage.open_storage import open_database
from tests.crash.drivers import DRIVERS, postgres_server
from tests.hostile.support.stages import Stages
from tests.hostile.support.world import open_world
from tests.support.client import run
from tests.support.clock import FakeClock, SeededChance


@pytest.fixture(scope="session")
def sqlite_stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    yield from _stages(tmp_path_factory, "sqlite:///:memory:")


@pytest.fixture(scope="session")
def postgres_stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    with postgres_server(durable=False) as server:
        yield from _stages(tmp_path_factory, server.create())


def _stages(factory: pytest.TempPathFactory, url: str) -> Iterator[Stages]:
    directory, streams = factory.mktemp("home"), Streams()
    settings = DatabaseSettings(url=Secret(url))
    clock, chance = FakeClock(), SeededChance()
    opening = open_database(settings, directory=directory, streams=streams, clock=clock, chance=chance, threads=NoThreads())
    with open_world(directory, run(opening), streams) as world:
        yield Stages(world)


@pytest.fixture(scope="session", params=DRIVERS)
def stages(request: pytest.FixtureRequest) -> Stages:
    found: Stages = request.getfixturevalue(f"{request.param}_stages")
    return found
