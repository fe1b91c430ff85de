"""The databases of the storage's tests."""

from tests.storage.conftest import database, database_factory, database_url, loop, postgres_server, streams

__all__ = ["database", "database_factory", "database_url", "loop", "postgres_server", "streams"]
