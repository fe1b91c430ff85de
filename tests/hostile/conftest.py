"""One server that is lied to for each driver, in which every case has people and a room of its own."""

from collections.abc import Callable, Iterator

import psycopg2
import pytest

from homeserver.streams import Streams
from tests.crash.drivers import DRIVERS, postgres_server
from tests.hostile.support.stages import Stages
from tests.hostile.support.world import open_world
from tests.support.client import run
from tests.support.storage import open_inline_database


@pytest.fixture(scope="session")
def sqlite_stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    yield from _stages(tmp_path_factory, "sqlite:///:memory:", lambda: None)


@pytest.fixture(scope="session")
def postgres_stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    with postgres_server(durable=False) as server:
        url = server.create()
        yield from _stages(tmp_path_factory, url, lambda: analyze(url))


def analyze(url: str) -> None:
    """Plans are made anew, by the tables as they are."""
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        connection.cursor().execute("ANALYZE")
    finally:
        connection.close()


def _stages(factory: pytest.TempPathFactory, url: str, tend: Callable[[], None]) -> Iterator[Stages]:
    directory, streams = factory.mktemp("home"), Streams()
    with open_world(directory, run(open_inline_database(url, streams)), streams) as world:
        yield Stages(world, tend)


@pytest.fixture(scope="session", params=DRIVERS)
def stages(request: pytest.FixtureRequest) -> Stages:
    found: Stages = request.getfixturevalue(f"{request.param}_stages")
    return found
