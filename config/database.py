"""Section `database`: where the server's data lives."""

from dataclasses import dataclass, field

from config.secret import Secret

URL = r"^(sqlite:///.+|postgres(ql)?://.*)$"


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    # sqlite:///name (in the data directory), sqlite:////absolute/name, sqlite:///:memory: (lost at the end) or postgresql://user:password@host/name
    url: Secret = field(
        default=Secret("sqlite:///chatme.db"), metadata={"pattern": URL, "says": "sqlite:///name or postgresql://user@host/name"}
    )
    # SQLite: threads for reads that grow with the data.
    readers: int = field(default=2, metadata={"minimum": 1, "maximum": 64})
    # SQLite: page cache of each connection, filled as needed.
    cache_kib: int = field(default=8192, metadata={"minimum": 512})
    # PostgreSQL: connections that read, besides the one that writes.
    connections: int = field(default=4, metadata={"minimum": 1, "maximum": 500})
    # PostgreSQL: how long a lost connection is tried again before clients are told.
    outage_seconds: float = field(default=8.0, metadata={"minimum": 0})
