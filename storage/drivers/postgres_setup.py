"""Getting a PostgreSQL database ready: is it fit, is it of our schema, where did we leave off."""

from collections.abc import Callable, Sequence

import psycopg2

from schema.sql_files import SqlFile
from storage.database import CannotOpen, StorageUnavailable
from storage.drivers.postgres_connection import PostgresConnection
from storage.drivers.postgres_text import postgres_schema
from storage.migrate import migrate

OLDEST = 130000
MIGRATION_LOCK = 0x436861744D65  # advisory lock: "ChatMe"


def prepare(url: str, files: Sequence[SqlFile], migrating: Callable[[int], None]) -> int:
    """The committed position, after checks and migrations; CannotOpen in one clear line."""
    try:
        connection = PostgresConnection(url, read_only=False)
    except StorageUnavailable as error:
        raise CannotOpen(f"the PostgreSQL database cannot be reached: {_line(error.__cause__)}") from error
    except psycopg2.ProgrammingError as error:  # its words may hold a piece of the password
        raise CannotOpen(
            "database.url is no address of PostgreSQL's; special characters of a password are written %25 for %, %40 for @"
        ) from error
    try:
        _check(connection)
        migrate(PostgresMigration(connection), files, reached=migrating)
        # The lock waits for a commit of our predecessor that was under way when it was killed.
        connection.cursor.execute("SELECT value FROM counters WHERE name = 'position' FOR UPDATE")
        row = connection.cursor.fetchone()
        return int(row[0]) if row is not None else 0
    except psycopg2.Error as error:
        raise CannotOpen(f"the PostgreSQL database cannot be used: {_line(error)}") from error
    finally:
        connection.close()


def _line(error: BaseException | None) -> str:
    return " ".join(str(error).split())


def _check(connection: PostgresConnection) -> None:
    connection.cursor.execute("SELECT current_setting('server_version_num')::int, current_setting('server_encoding')")
    version, encoding = connection.cursor.fetchall()[0]
    if version < OLDEST:
        raise CannotOpen(f"PostgreSQL {OLDEST // 10000} or newer is needed, this is {version // 10000}")
    if encoding != "UTF8":
        raise CannotOpen(
            f"the PostgreSQL database must have the encoding UTF8, this one has {encoding}: create it with ENCODING 'UTF8' TEMPLATE template0"
        )


class PostgresMigration:
    """`storage.migrate.MigrationConnection`."""

    def __init__(self, connection: PostgresConnection) -> None:
        self._connection = connection

    def begin_locked(self) -> None:
        cursor = self._connection.cursor
        cursor.execute("SET lock_timeout = 0; BEGIN")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))

    def script(self, sql: str) -> None:
        self._connection.cursor.execute(postgres_schema(sql))

    def value(self, sql: str) -> int:
        self._connection.cursor.execute(sql)
        return int(self._connection.cursor.fetchall()[0][0])

    def record(self, sql: str, version: int, name: str) -> None:
        self._connection.cursor.execute(sql.replace("?", "%s"), (version, name))

    def commit(self) -> None:
        self._connection.cursor.execute("COMMIT")

    def rollback(self) -> None:
        if not self._connection.lost and self._connection.in_transaction:
            self._connection.cursor.execute("ROLLBACK")
