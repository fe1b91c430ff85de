"""One connection to PostgreSQL: its settings, its types, and errors in the words of `storage.database`."""

from typing import Any, NoReturn

import psycopg2
from psycopg2 import extensions

from storage.database import Conflict, StorageUnavailable
from storage.drivers.postgres_text import unescape

CONNECT_SECONDS = 5

# Autocommit: transactions are spelt out, so that BEGIN and COMMIT travel together with other statements.
_SETTINGS = """
    SET client_encoding = 'UTF8';
    SET standard_conforming_strings = on;
    SET bytea_output = 'hex';
    SET synchronous_commit = on;
    SET default_transaction_isolation = 'read committed';
    SET work_mem = '16MB';
    SET jit = off;
    SET lock_timeout = '10s';
    SET idle_in_transaction_session_timeout = '60s';
    SET default_transaction_read_only = """

_RETRIED = ("40",)  # deadlock, serialisation failure: the transaction is undone and may run again
_LOST = ("08", "57P", "25006")  # no connection, a server that shuts down or starts, a server that has become a standby
_TOO_LARGE = ("54",)  # for an index, say: the fault of the statement, though psycopg2 calls it one of the server
_SPEECHLESS = (
    psycopg2.DatabaseError,
    psycopg2.OperationalError,
    psycopg2.InterfaceError,
)  # without a code: not the server, but the way to it


class TryAgain(StorageUnavailable):
    """Nothing was committed, and the same may go well on a new attempt."""


def _text(value: Any, _: Any) -> str | None:
    return value if value is None or "\x01" not in value else unescape(value)


def _bytes(value: Any, _: Any) -> bytes | None:
    return None if value is None else bytes.fromhex(value[2:])  # a third of the cost of psycopg2's memoryview


def _number(value: Any, _: Any) -> int | float | None:
    """A sum of integers comes back as NUMERIC."""
    if value is None:
        return None
    return float(value) if "." in value else int(value)


_TYPES = (
    extensions.new_type((25, 1043), "TEXT", _text),
    extensions.new_type((17,), "BYTEA", _bytes),
    extensions.new_type((1700,), "NUMERIC", _number),
)


class PostgresConnection:
    """Open or lost; who sees it lost makes a new one."""

    def __init__(self, url: str, *, read_only: bool) -> None:
        try:
            self._connection = psycopg2.connect(
                url,
                connect_timeout=CONNECT_SECONDS,
                application_name="chatme",
                keepalives_idle=30,
                keepalives_interval=5,
                keepalives_count=3,
            )
        except psycopg2.OperationalError as error:
            raise TryAgain from error
        try:
            self._connection.autocommit = True
            for kind in _TYPES:
                extensions.register_type(kind, self._connection)
            self.cursor = self._connection.cursor()
            self.cursor.execute(_SETTINGS + ("on" if read_only else "off"))
        except psycopg2.Error as error:
            self.close()
            raise TryAgain from error

    @property
    def lost(self) -> bool:
        return self._connection.closed != 0

    @property
    def in_transaction(self) -> bool:
        return self._connection.info.transaction_status != extensions.TRANSACTION_STATUS_IDLE

    def translated(self, error: psycopg2.Error) -> NoReturn:
        """Raise it again in the words of `storage.database`."""
        code = error.pgcode or ""
        if self.lost or code.startswith(_LOST) or (not code and type(error) in _SPEECHLESS):
            self.close()
            raise TryAgain from error
        if code.startswith(_RETRIED):
            raise TryAgain from error
        if isinstance(error, psycopg2.IntegrityError):
            raise Conflict(str(error).strip()) from error
        if isinstance(error, psycopg2.OperationalError) and not code.startswith(_TOO_LARGE):
            # disk full, out of memory, lock not available, cancelled
            raise StorageUnavailable from error
        raise error

    def close(self) -> None:
        try:
            self._connection.close()
        except psycopg2.Error as error:
            if not self.lost:
                raise StorageUnavailable from error
