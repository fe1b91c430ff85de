"""Section `database`: where the server's data lives."""

from typing import Annotated, NamedTuple

from config.secret import Secret

URL = r"^(sqlite:///.+|postgres(ql)?://.*)$"


class DatabaseSettings(NamedTuple):
    # sqlite:///name (in the data directory), sqlite:////absolute/name, sqlite:///:memory: (lost at the end) or postgresql://user:password@host/name
    url: Annotated[Secret, {"pattern": URL, "says": "sqlite:///name or postgresql://user@host/name"}] = Secret("sqlite:///chatme.db")
    # SQLite: threads for reads that grow with the data.
    readers: Annotated[int, {"minimum": 1, "maximum": 64}] = 2
    # SQLite: page cache of each connection, filled as needed.
    cache_kib: Annotated[int, {"minimum": 512}] = 8192
    # PostgreSQL: connections that read, besides the one that writes.
    connections: Annotated[int, {"minimum": 1, "maximum": 500}] = 4
    # PostgreSQL: how long a lost connection is tried again before clients are told.
    outage_seconds: Annotated[float, {"minimum": 0}] = 8.0
