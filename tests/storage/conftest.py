"""Databases for the tests of drivers and stores: each test runs on all of them.

`database` is open and fresh; `loop.run(coroutine)` turns the loop until it has its result. `database_factory` opens more on the same place, one after the
other: what a restarted server would find.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.database import DatabaseSettings
from config.secret import Secret
from homeserver.streams import Streams
from schema.sql_files import sql_files
from storage.database import Database
from storage.drivers.group_commit import CommitObserver
from storage.open_storage import open_database
from tests.support.clock import SeededChance
from tests.support.loop import ThreadLoop
from tests.support.postgres import TemporaryPostgres, find_binaries

DatabaseFactory = Callable[..., Database]


def open_for_test(url: str, loop: ThreadLoop, streams: Streams, observer: CommitObserver | None = None, **settings: float) -> Database:
    return loop.run(
        open_database(
            DatabaseSettings(url=Secret(url), **settings),  # type: ignore[arg-type]  # numbers of either kind
            directory=Path(),
            streams=streams,
            clock=loop,
            chance=SeededChance(),
            threads=loop.threads,
            observer=observer,
        )
    )


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[TemporaryPostgres]:
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL server binaries (initdb, postgres) are installed here")
    server = TemporaryPostgres(binaries)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def loop() -> ThreadLoop:
    return ThreadLoop()


@pytest.fixture
def streams() -> Streams:
    return Streams()


@pytest.fixture(params=["sqlite-memory", "sqlite-file", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite-memory":
        yield "sqlite:///:memory:"
    elif request.param == "sqlite-file":
        yield f"sqlite:///{tmp_path}/chatme.db"
    else:
        server: TemporaryPostgres = request.getfixturevalue("postgres_server")
        url = server.create(_migrated)
        yield url
        server.drop(url)


@pytest.fixture
def database_factory(database_url: str, loop: ThreadLoop, streams: Streams) -> Iterator[DatabaseFactory]:
    opened: list[Database] = []

    def open_one(streams: Streams = streams, observer: CommitObserver | None = None, **settings: float) -> Database:
        database = open_for_test(database_url, loop, streams, observer, **settings)
        opened.append(database)
        return database

    yield open_one
    for database in opened:
        loop.run(database.close())


@pytest.fixture
def database(database_factory: DatabaseFactory) -> Database:
    return database_factory()


def _migrated(url: str) -> None:
    from storage.drivers.postgres_setup import prepare

    prepare(url, sql_files(), lambda version: None)
