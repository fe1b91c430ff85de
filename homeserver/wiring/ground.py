"""What every floor stands on."""

from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry

from config.settings import Config
from homeserver.clock import Chance, Clock
from homeserver.ephemeral.sequence import Ephemera
from homeserver.rooms.append import Identity
from homeserver.streams import Streams
from storage.database import Database
from storage.drivers.threads import Threads
from storage.event_rows import RoomNames


@dataclass(frozen=True, slots=True)
class Ground:
    config: Config
    clock: Clock
    chance: Chance
    threads: Threads
    database: Database
    streams: Streams
    ephemera: Ephemera
    identity: Identity
    names: RoomNames
    registry: CollectorRegistry


Chapters = tuple[Any, ...]  # objects with declared endpoints
