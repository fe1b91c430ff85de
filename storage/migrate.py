"""Bringing a database to the schema of this program: numbered SQL files, each in one transaction of its own.

The file's number is in `schema_version` only when all of the file is: a crash in the middle leaves the older schema whole. Who migrates holds a lock,
so a second process waits and then finds the work done.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from schema.sql_files import SqlFile
from storage.database import CannotOpen

CREATE = "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL)"
NEWEST = "SELECT coalesce(max(version), 0) FROM schema_version"
RECORD = "INSERT INTO schema_version (version, name) VALUES (?, ?)"


class NewerSchema(CannotOpen):
    """The database was written by a newer program."""

    def __init__(self, found: int, known: int) -> None:
        super().__init__(
            f"the database has schema {found}, newer than the {known} of this program: start the newer program, or restore a backup"
        )
        self.found = found
        self.known = known


class MigrationConnection(Protocol):
    """What a driver lends to the migration, in its own words."""

    def begin_locked(self) -> None:
        """Open a transaction that only one process at a time can hold."""

    def script(self, sql: str) -> None:
        """Execute statements in the SQL of the schema files."""

    def value(self, sql: str) -> int: ...

    def record(self, sql: str, version: int, name: str) -> None: ...

    def commit(self) -> None: ...

    def rollback(self) -> None: ...


def _nothing(_version: int) -> None:
    """Nobody watches."""


def migrate(connection: MigrationConnection, files: Sequence[SqlFile], *, reached: Callable[[int], None] = _nothing) -> int:
    """Apply what is missing; how many files that were. `reached` is called in the middle of each, before its commit."""
    known = files[-1].version if files else 0
    applied = 0
    while True:
        connection.begin_locked()
        try:
            connection.script(CREATE)
            found = connection.value(NEWEST)
            if found > known:
                raise NewerSchema(found, known)
            if found == known:
                connection.commit()
                return applied
            file = files[found]
            connection.script(file.sql)
            reached(file.version)
            connection.record(RECORD, file.version, file.name)
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
        applied += 1
