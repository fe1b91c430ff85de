"""A database of its own for a campaign."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.postgres import TemporaryPostgres, find_binaries

DRIVERS = ("sqlite", "postgres")


@contextmanager
def postgres_server(*, durable: bool = True) -> Iterator[TemporaryPostgres]:
    """`durable`: it syncs to disk. The test is skipped where there are no server programs."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL server binaries (initdb, postgres) are installed here")
    server = TemporaryPostgres(binaries, durable=durable)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@contextmanager
def database_of(driver: str) -> Iterator[str | None]:
    """The URL; None for SQLite in the data directory."""
    if driver == "sqlite":
        yield None
        return
    with postgres_server() as server:
        yield server.create()
