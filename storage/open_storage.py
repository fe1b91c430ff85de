"""Choosing the driver by the database's URL, and opening it: checked, migrated, with the streams where it left off."""

from collections.abc import Callable
from pathlib import Path

from config.database import DatabaseSettings
from homeserver.clock import Chance, Clock
from homeserver.streams import Streams
from schema.sql_files import sql_files
from storage.database import CannotOpen, Database
from storage.drivers.group_commit import CommitObserver
from storage.drivers.threads import NoThreads, Threads

SQLITE = "sqlite:///"
POSTGRES = ("postgresql://", "postgres://")


class Unobserved:
    """Nobody measures."""

    def committing(self, items: int) -> None:
        """Part of `CommitObserver`."""

    def committed(self, items: int, fill_seconds: float, commit_seconds: float, waiting: int) -> None:
        """Part of `CommitObserver`."""

    def lost(self, items: int, waiting: int) -> None:
        """Part of `CommitObserver`."""


def _nothing(_version: int) -> None:
    """Nobody watches the migration."""


async def open_database(
    settings: DatabaseSettings,
    *,
    directory: Path,
    streams: Streams,
    clock: Clock,
    chance: Chance,
    threads: Threads,
    observer: CommitObserver | None = None,
    migrating: Callable[[int], None] = _nothing,
) -> Database:
    """CannotOpen (one clear line) when it cannot be used. `directory` is where a relative SQLite path begins."""
    url = settings.url.reveal()
    observer = observer or Unobserved()
    if url.startswith(SQLITE):
        name = url.removeprefix(SQLITE)
        path = None if name == ":memory:" else directory / name
        return _open_sqlite(path, settings, streams, clock, threads, observer, migrating)
    if url.startswith(POSTGRES):
        return _open_postgres(url, settings, streams, clock, chance, threads, observer, migrating)
    raise CannotOpen("database.url begins neither with sqlite:/// nor with postgresql://")


def _open_sqlite(
    path: Path | None,
    settings: DatabaseSettings,
    streams: Streams,
    clock: Clock,
    threads: Threads,
    observer: CommitObserver,
    migrating: Callable[[int], None],
) -> Database:
    from storage.drivers.sqlite import SqliteDatabase
    from storage.drivers.sqlite_file import SqliteFile

    file = SqliteFile(path, cache_kib=settings.cache_kib)
    try:
        file.migrate(sql_files(), migrating)
        file.grow_log()
        streams.skip_to(file.position())
    except BaseException:
        file.close()
        raise
    threads = NoThreads() if path is None else threads
    return SqliteDatabase(file, streams=streams, clock=clock, threads=threads, readers=settings.readers, observer=observer)


def _open_postgres(
    url: str,
    settings: DatabaseSettings,
    streams: Streams,
    clock: Clock,
    chance: Chance,
    threads: Threads,
    observer: CommitObserver,
    migrating: Callable[[int], None],
) -> Database:
    from storage.drivers.postgres import PostgresDatabase
    from storage.drivers.postgres_setup import prepare

    streams.skip_to(prepare(url, sql_files(), migrating))
    return PostgresDatabase(
        url,
        streams=streams,
        clock=clock,
        chance=chance,
        threads=threads,
        connections=settings.connections,
        outage_seconds=settings.outage_seconds,
        observer=observer,
    )
