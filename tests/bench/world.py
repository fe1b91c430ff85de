"""Rooms without the HTTP edge, on a real database: for what no client can do, and for bytes that belong to rooms alone."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import uvloop
from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred, ensureDeferred

from config.database import DatabaseSettings
from config.secret import Secret
from config.settings import Config
from homeserver.clock import Clock
from homeserver.ephemeral.sequence import Ephemera
from homeserver.protocol.event import Draft
from homeserver.protocol.room_versions import DEFAULT_ROOM_VERSION
from homeserver.protocol.signing import SigningKey
from homeserver.rooms.append import Identity
from homeserver.rooms.creation.room_options import RoomOptions
from homeserver.rooms.store import Transaction
from homeserver.streams import Streams
from homeserver.wiring.ground import Ground
from homeserver.wiring.rooms import Rooms, build_rooms
from storage.database import Database
from storage.drivers.threads import LoopThreads
from storage.event_rows import RoomNames
from storage.open_storage import open_database
from tests.bench.database_size import database_bytes
from tests.support.clock import SeededChance
from tests.support.loop import ThreadLoop
from tests.support.postgres import TemporaryPostgres, find_binaries

T = TypeVar("T")
SERVER = "localhost"
TOGETHER = 100  # what is written at the same time
WORDS = "the quick brown fox jumps over the lazy dog and sees that it is not all that lazy"


class World:
    """Rooms and who writes in them; `size` tells the bytes of the database."""

    def __init__(self, rooms: Rooms, database: Database, size: Callable[[], int], clock: Clock) -> None:
        self.states = rooms.states
        self.writing = rooms.writing
        self.database = database
        self.size = size
        self._clock = clock
        self._count = 0

    @staticmethod
    def user(number: int) -> str:
        return f"@user{number}:{SERVER}"

    async def room(self, members: int) -> str:
        """A public room with so many joined; user 0 made it."""
        options = RoomOptions(version=DEFAULT_ROOM_VERSION, preset="public_chat", name="A room")
        room_id = await self.writing.creator.create(self.user(0), options)
        await self.join(room_id, 1, members)
        return room_id

    async def join(self, room_id: str, first: int, end: int) -> None:
        """Users `first` … `end - 1`."""
        await self.together(end - first, lambda number: self.writing.membership.join(room_id, self.user(first + number)))

    async def messages(self, room_id: str, count: int, senders: int = 10) -> None:
        async def send(number: int) -> str:
            user, content = self.user(number % senders), {"msgtype": "m.text", "body": f"{number} {WORDS}"}
            transaction = Transaction(user, "DEVICE", room_id, f"m{number}", self._clock.now_ms())
            return await self.writing.sender.send(room_id, Draft("m.room.message", user, content), transaction)

        await self.together(count, send)

    async def topics(self, room_id: str, count: int) -> None:
        """State events, each at an address that is there already."""

        async def write(_: int) -> object:
            self._count += 1
            return await self.writing.sender.write_state(
                room_id, Draft("m.room.topic", self.user(0), {"topic": f"{self._count} {WORDS}"}, "")
            )

        await write(0)
        await self.together(count, write)

    async def together(self, count: int, call: Callable[[int], Coroutine[Any, Any, object]]) -> None:
        """`call(0)` … `call(count - 1)`, some at a time."""
        for start in range(0, count, TOGETHER):
            calls = [ensureDeferred(call(number)) for number in range(start, min(count, start + TOGETHER))]
            for done in calls:
                await done


@contextmanager
def databases(driver: str) -> Iterator[tuple[str, Callable[[], int]]]:
    """A URL for `driver` and what tells its size."""
    if driver == "sqlite":
        with tempfile.TemporaryDirectory(prefix="chatme-bench-") as directory:
            file = Path(directory) / "chatme.db"
            yield f"sqlite:///{file}", lambda: database_bytes(file)
        return
    binaries = find_binaries()
    if binaries is None:
        raise SystemExit("there is no PostgreSQL server here")
    server = TemporaryPostgres(binaries, durable=True)
    try:
        server.start()
        url = server.create()
        name = url.partition("@/")[2].partition("?")[0]

        def size() -> int:
            return int(str(server.execute(f"SELECT pg_database_size('{name}')")[0][0]))

        yield url, size
    finally:
        server.remove()


async def open_world(url: str, size: Callable[[], int]) -> World:
    loop = asyncio.get_running_loop()
    threads = LoopThreads(loop.call_soon, loop.call_soon_threadsafe)
    streams, clock, chance = Streams(), ThreadLoop(), SeededChance()
    settings = DatabaseSettings(url=Secret(url))
    database = await open_database(settings, directory=Path(), streams=streams, clock=clock, chance=chance, threads=threads)
    ground = Ground(
        config=Config(),
        clock=clock,
        chance=chance,
        threads=threads,
        database=database,
        streams=streams,
        ephemera=Ephemera("bench"),
        identity=Identity(SERVER, SigningKey("ed25519:bench", bytes(32))),
        names=RoomNames(),
        registry=CollectorRegistry(),
    )
    return World(await build_rooms(ground), database, size, clock)


def run(driver: str, work: Callable[[World], Awaitable[T]]) -> T:
    """`work` in a new world on that driver."""

    async def whole(url: str, size: Callable[[], int]) -> T:
        world = await open_world(url, size)
        try:
            return await work(world)
        finally:
            await world.database.close()

    async def main(url: str, size: Callable[[], int]) -> T:
        task: Deferred[T] = ensureDeferred(whole(url, size))
        return await task.asFuture(asyncio.get_running_loop())

    with databases(driver) as (url, size):
        return uvloop.run(main(url, size))
