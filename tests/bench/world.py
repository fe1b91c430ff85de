"""Rooms without the HTTP edge, on a real database: for what no client can do, and for bytes that belong to rooms alone."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import uvloop
from twisted.internet.defer import Deferred, ensureDeferred

from config.database import DatabaseSettings
from config.secret import Secret
from config.settings import Config
from homeserver.clock import Clock
from homeserver.main import Server, open_server
from homeserver.protocol.event import Draft
from homeserver.protocol.room_versions import DEFAULT_ROOM_VERSION
from homeserver.rooms.creation.room_options import RoomOptions
from homeserver.rooms.store import Transaction
from homeserver.runtime import SystemChance
from tests.bench.database_size import database_bytes
from tests.support.loop import ThreadLoop
from tests.support.postgres import TemporaryPostgres, find_binaries
from tests.support.server import NAME, test_config

T = TypeVar("T")
TOGETHER = 100  # what is written at the same time
WORDS = "the quick brown fox jumps over the lazy dog and sees that it is not all that lazy"


class World:
    """Rooms and who writes in them; `size` tells the bytes of the database."""

    def __init__(self, server: Server, size: Callable[[], int], clock: Clock) -> None:
        self.parts = server._parts
        rooms = self.parts.rooms
        self.states = rooms.states
        self.writing = rooms.writing
        self.size = size
        self._clock = clock
        self._count = 0

    @staticmethod
    def user(number: int) -> str:
        return f"@user{number}:{NAME}"

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
def databases(driver: str, directory: Path) -> Iterator[tuple[str, Callable[[], int]]]:
    """A URL for `driver` and what tells its size."""
    if driver == "sqlite":
        file = directory / "chatme.db"
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
        yield url, lambda: int(str(server.execute(f"SELECT pg_database_size('{name}')")[0][0]))
    finally:
        server.remove()


def run(driver: str, work: Callable[[World], Awaitable[T]]) -> T:
    """`work` in a new world on that driver: a whole server that does not listen."""

    async def whole(config: Config, size: Callable[[], int]) -> T:
        clock = ThreadLoop()
        server = await open_server(config, asyncio.get_running_loop(), SystemChance(), clock)
        try:
            return await work(World(server, size, clock))
        finally:
            await server.stop()

    async def main(config: Config, size: Callable[[], int]) -> T:
        task: Deferred[T] = ensureDeferred(whole(config, size))
        return await task.asFuture(asyncio.get_running_loop())

    with tempfile.TemporaryDirectory(prefix="chatme-bench-") as name:
        directory = Path(name)
        with databases(driver, directory) as (url, size):
            config = test_config(directory, database=DatabaseSettings(url=Secret(url)))
            return uvloop.run(main(config, size))
