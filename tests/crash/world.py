"""Everybody who uses the server while it is killed, and what must hold when all is quiet again."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from tests.crash.actors.followers import Follower
from tests.crash.actors.journal import Journal
from tests.crash.actors.keepers import PASSWORD, DataKeeper, Founder, Guest, Keeper, TopicKeeper, Wanderer
from tests.crash.actors.link import Link, room_path
from tests.crash.actors.senders import Sender
from tests.crash.house import NAME, House
from tests.crash.truth import Truth

SENDERS = 8
ROOMS = 3
NOTICE_SECONDS = 0.1
LIMITS = (1000, 1000, 3, 20)  # of the followers' timelines
KEEPERS: tuple[type[Keeper], ...] = (DataKeeper, TopicKeeper, Wanderer, Founder, Guest)


class World:
    def __init__(self, house: House, folder: Path, seed: int) -> None:
        self.house = house
        self.journal = Journal(folder / "journal.jsonl")
        self.senders: list[Sender] = []
        self.followers: list[Follower] = []
        self.keepers: list[Keeper] = []
        self._seed = seed
        self._links: list[Link] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def settle_in(self) -> None:
        """Accounts and rooms; the server runs."""
        first = await self._register("reader")
        rooms = []
        for index in range(ROOMS):
            body = {"name": f"room {index}", "preset": "public_chat"}
            rooms.append((await first.ok("POST", "/_matrix/client/v3/createRoom", body))["room_id"])
        self.truth = Truth(first, rooms)
        for index in range(SENDERS):
            link = await self._register(f"sender{index}", rooms)
            self.senders.append(Sender(f"@sender{index}:{NAME}", link, rooms, self.journal, f"{self._seed} {index}"))
        for index, limit in enumerate(LIMITS):
            link = await self._register(f"follower{index}", rooms)
            self.followers.append(Follower(f"@follower{index}:{NAME}", link, limit))
        for kind in KEEPERS:
            link = await self._register(kind.__name__.lower())
            keeper = kind(f"@{kind.__name__.lower()}:{NAME}", link, self.journal, f"{self._seed} {kind.__name__}")
            if isinstance(keeper, Wanderer):
                keeper.room_id = rooms[0]
            if isinstance(keeper, TopicKeeper):
                keeper.room_id = (await link.ok("POST", "/_matrix/client/v3/createRoom", {}))["room_id"]
            self.keepers.append(keeper)

    async def _register(self, name: str, rooms: list[str] | None = None) -> Link:
        link = Link(self.house.port)
        self._links.append(link)
        body = {"username": name, "password": PASSWORD, "auth": {"type": "m.login.dummy"}}
        link.token = (await link.ok("POST", "/_matrix/client/v3/register", body))["access_token"]
        for room_id in rooms or ():
            await link.ok("POST", room_path(room_id, "join"), {})
        return link

    # ------------------------------------------------------------ load

    def begin(self, *, pause: float) -> None:
        """Everybody at work; `pause` is that between two messages of one sender."""
        runs: list[Coroutine[Any, Any, None]] = []
        for sender in self.senders:
            sender.pause = pause
            sender.stopping = False
            runs.append(sender.run())
        for keeper in self.keepers:
            keeper.stopping = False
            runs.append(keeper.run())
        runs += [follower.run() for follower in self.followers]
        self._tasks = [asyncio.create_task(run) for run in runs]

    def look(self) -> None:
        """Raise what somebody has found wrong."""
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.result()

    async def all_gone(self) -> None:
        """After a kill: everybody has taken the answers that had come, and hung up."""
        await asyncio.wait(self._tasks, timeout=NOTICE_SECONDS)
        await self._end()
        self.look()
        self._tasks = []
        self.hang_up()

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hang_up(self) -> None:
        """Connections to a server that is no more."""
        for link in self._links:
            link.close()

    async def stop(self) -> None:
        """While the server runs on: senders finish, followers hang up."""
        for sender in self.senders:
            sender.stopping = True
        for keeper in self.keepers:
            keeper.stopping = True
        busy = len(self.senders) + len(self.keepers)
        await asyncio.gather(*self._tasks[:busy])
        for task in self._tasks[busy:]:
            task.cancel()
        await asyncio.gather(*self._tasks[busy:], return_exceptions=True)
        self._tasks = []

    # ------------------------------------------------------------ laws

    async def check(self, *, whole: bool = False) -> None:
        """All is quiet: what was acknowledged is there, once and in order, and everybody was told the same."""
        await self.truth.read(whole=whole)
        for sender in self.senders:
            self.truth.check_acknowledged(sender.acknowledged if whole else sender.acknowledged[-100:])
        for follower in self.followers:
            await follower.catch_up()
            self.truth.check_chain(follower)
        for keeper in self.keepers:
            await keeper.check()

    @property
    def acknowledged(self) -> int:
        return sum(len(sender.acknowledged) for sender in self.senders)

    async def close(self) -> None:
        await self._end()
        self.hang_up()
        self.journal.close()
        await asyncio.sleep(0.01)  # the loop parts with its sockets
