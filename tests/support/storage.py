"""Databases for tests: in memory, with the whole schema, everything at once on the spot."""

from pathlib import Path

from config.database import DatabaseSettings
from config.secret import Secret
from homeserver.streams import Streams
from storage.database import Database
from storage.drivers.threads import NoThreads
from storage.open_storage import open_database
from tests.support.clock import FakeClock, SeededChance


async def open_memory_database(streams: Streams) -> Database:
    """Never suspends, and neither do its methods."""
    return await open_inline_database("sqlite:///:memory:", streams)


async def open_inline_database(url: str, streams: Streams) -> Database:
    """The same for any database: whoever asks waits for it."""
    settings = DatabaseSettings(url=Secret(url))
    return await open_database(settings, directory=Path(), streams=streams, clock=FakeClock(), chance=SeededChance(), threads=NoThreads())
