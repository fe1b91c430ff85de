"""What every floor stands on."""

from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry

from config.settings import Config
from homeserver.clock import Chance, Clock
from homeserver.ephemeral.sequence import Ephemera
from homeserver.figures import ChangeFigures, CommitFigures
from homeserver.mail.letter import Postman
from homeserver.protocol.signing import SigningKey
from homeserver.rooms.append import Identity
from homeserver.start_up import signing_keys
from homeserver.streams import Streams
from storage.database import Database
from storage.drivers.threads import Threads
from storage.event_rows import RoomNames

BOOT_ID_LENGTH = 6


class Ground(NamedTuple):
    config: Config
    clock: Clock
    chance: Chance
    threads: Threads
    database: Database
    streams: Streams
    ephemera: Ephemera
    identity: Identity
    former_keys: tuple[SigningKey, ...]  # with which this server signed before, as far as they stand in the key file
    names: RoomNames
    registry: CollectorRegistry
    commits: CommitFigures
    changes: ChangeFigures
    postman: Postman | None


Chapters = tuple[Any, ...]  # objects with declared endpoints


def lay_ground(
    config: Config,
    clock: Clock,
    chance: Chance,
    threads: Threads,
    database: Database,
    streams: Streams,
    commits: CommitFigures,
    postman: Postman | None,
) -> Ground:
    key, *former = signing_keys(config.server.signing_key, chance)
    return Ground(
        config=config,
        clock=clock,
        chance=chance,
        threads=threads,
        database=database,
        streams=streams,
        ephemera=Ephemera(chance.token(BOOT_ID_LENGTH)),
        identity=Identity(config.server.name, key),
        former_keys=tuple(former),
        names=RoomNames(),
        registry=CollectorRegistry(),
        commits=commits,
        changes=ChangeFigures(streams),
        postman=postman,
    )
