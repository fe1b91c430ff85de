"""The databases of the storage's tests, and a server."""

from tests.client_api.conftest import alice, bob, server
from tests.storage.conftest import database, database_factory, database_url, loop, postgres_server, streams

__all__ = ["alice", "bob", "database", "database_factory", "database_url", "loop", "postgres_server", "server", "streams"]
