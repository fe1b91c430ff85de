"""How cost grows: with the members of a room, the forks behind it, the joins before it, the rooms of an account.

    python -m tests.bench.growth [--driver sqlite|postgres] [--scale 1]

All but the forks is asked of a server over HTTP; CPU is that of the server and, on PostgreSQL, of the database. `--scale 10` makes a tenth of all
numbers, to see whether it runs. No client can fork a room, and no other server takes part here: forks are made in the store (`forks.py`), and what
resolution takes of them stands in a row of its own.
"""

import argparse
import shutil
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop

from tests.bench.forks import fork
from tests.bench.servers import DRIVERS, ROOT, Running, Tools, loop_lag, processor_seconds, program, start_chatme, stop
from tests.bench.world import World, run

Row = tuple[str, list[str]]
MEMBERS, ROOMS, FORKS = (10, 1_000, 10_000), (20, 200, 2_000), (10, 1_000)
MESSAGES, JOINS, SYNCS, NEW = 200, 20, 3, 40  # of each kind that is measured
FILLING = 20  # messages in each room of an account
FILTER = {"room": {"timeline": {"limit": 20}, "state": {"lazy_load_members": True}}}


class Growth:
    """One server, asked more and more."""

    def __init__(self, hsbench: Any, server: Running, scale: int) -> None:
        options = Namespace(url=server.url, pid=None, db_path=None, db_size_cmd=None, registration_shared_secret=server.secret)
        self._bench = hsbench.Bench(options)
        self._together = hsbench.pool_run
        self._pids = server.pids
        self._scale = scale

    async def measure(self) -> list[Row]:
        try:
            return [*await self.members(), *await self.rooms()]
        finally:
            self._bench.http.close()

    async def members(self) -> list[Row]:
        """One room that fills; messages and joins on the way."""
        sizes = [max(size // self._scale, 10) for size in MEMBERS]
        users = await self._bench.pool(sizes[-1])
        room_id = await self._bench.create_room(users[0], "growth")
        joined, messages, joins = 1, [], []
        for size in sizes:
            window = min(JOINS, size - joined)
            await self._join(users[joined : size - window], room_id)
            joins.append(await self._cost(window, lambda: self._join(users[size - window : size], room_id)))  # noqa: B023 - called at once
            joined = size
            await self._send(users, room_id, 20)
            messages.append(await self._cost(MESSAGES, lambda: self._send(users, room_id, MESSAGES)))
        at = ", ".join(f"{size:,}" for size in sizes)
        return [(f"message in a room of {at} members: CPU, µs", messages), (f"join as number {at}: CPU, µs", joins)]

    async def rooms(self) -> list[Row]:
        """Accounts with more and more rooms, one of them shared with somebody who writes."""
        first, times, one, latency = [], [], [], []
        sizes = [max(size // self._scale, 2) for size in ROOMS]
        other = (await self._bench.pool(1))[0]
        for size in sizes:
            user = await self._bench.register(f"rooms{size}", f"password-{size}")
            room_id = await self._account(user, other, size)
            await self._bench.sync(user, None, 0, FILTER)
            began = time.perf_counter()
            first.append(await self._cost(SYNCS, lambda: self._repeat(SYNCS, lambda: self._bench.sync(user, None, 0, FILTER))))  # noqa: B023
            times.append(f"{(time.perf_counter() - began) / SYNCS * 1000:,.0f}")
            cost, middle = await self._increments(user, other, room_id)
            one.append(cost)
            latency.append(middle)
        at = ", ".join(f"{size:,}" for size in sizes)
        return [
            (f"first sync of {at} rooms: CPU, µs", first),
            (f"first sync of {at} rooms: ms", times),
            ("send and sync of one new event in them: CPU, µs", one),
            ("sync of one new event in them: p50, ms", latency),
        ]

    async def _account(self, user: Any, other: Any, size: int) -> str:
        """So many rooms with some messages in each; the ID of one that `other` is in."""
        rooms: list[str] = []

        async def make(number: int) -> None:
            rooms.append(await self._bench.create_room(user, f"room {number}"))
            for _ in range(FILLING):
                await self._bench.send(user, rooms[-1])

        await self._together(8, range(size), make, 600)
        await self._bench.join(other, rooms[0])
        return rooms[0]

    async def _increments(self, user: Any, other: Any, room_id: str) -> tuple[str, str]:
        since = (await self._bench.sync(user, None, 0, FILTER)).json()["next_batch"]
        waits: list[float] = []

        async def once() -> None:
            nonlocal since
            await self._bench.send(other, room_id)
            answer = await self._bench.sync(user, since, 0, FILTER)
            waits.append(answer.lat)
            parsed = answer.json()
            since = parsed["next_batch"]
            if len(parsed["rooms"]["join"][room_id]["timeline"]["events"]) != 1:
                raise SystemExit("a sync did not bring the one new event")

        cost = await self._cost(NEW, lambda: self._repeat(NEW, once))
        return cost, f"{sorted(waits)[NEW // 2] * 1000:.2f}"

    async def _join(self, users: list[Any], room_id: str) -> None:
        await self._together(10, users, lambda user: self._bench.join(user, room_id), 600)

    async def _send(self, users: list[Any], room_id: str, count: int) -> None:
        await self._together(10, range(count), lambda number: self._bench.send(users[number % 10], room_id), 600)

    async def _repeat(self, count: int, call: Callable[[], Awaitable[object]]) -> None:
        for _ in range(count):
            await call()

    async def _cost(self, count: int, call: Callable[[], Awaitable[object]]) -> str:
        """CPU for each of `count`, in µs."""
        before = processor_seconds(self._pids)
        await call()
        return f"{(processor_seconds(self._pids) - before) / count * 1e6:,.0f}"


async def forks(world: World, scale: int) -> list[Row]:
    """CPU of this process, which does the server's part alone."""
    events, resolutions, done = [], [], 0
    sizes = [max(size // scale, 2) for size in FORKS]
    room_id = await world.room(20)
    for size in sizes:
        seconds = [await fork(world, room_id, number) for number in range(done, size)]
        done = size
        resolutions.append(f"{sum(seconds[-10:]) / len(seconds[-10:]) * 1e6:,.0f}")
        began = time.process_time()
        await world.topics(room_id, MESSAGES)
        events.append(f"{(time.process_time() - began) / MESSAGES * 1e6:,.0f}")
    at = ", ".join(f"{size:,}" for size in sizes)
    return [(f"state event after {at} forks: CPU, µs", events), (f"resolution of the last of {at} forks: CPU, µs", resolutions)]


def of_driver(driver: str, given: argparse.Namespace, directory: Path) -> list[Row]:
    tools = Tools(given.bench.resolve(), Path(), Path(sys.executable))
    hsbench = program(tools, "hsbench")
    server = start_chatme(directory / driver, driver, tools)
    try:
        rows = list(uvloop.run(Growth(hsbench, server, given.scale).measure()))
        lag = loop_lag(server.url)
    finally:
        stop(server)
        shutil.rmtree(directory / driver, ignore_errors=True)
    rows.append(
        ("longest lag of the event loop in all this, and CPU in it: ms", [f"{lag[name] * 1000:.0f}" for name in ("longest", "used")])
    )
    return [*rows, *run(driver, lambda world: forks(world, given.scale))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--driver", choices=DRIVERS, help="one of them alone")
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("--bench", type=Path, default=ROOT.parent / "shared" / "bench", help="the folder of hsbench.py")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chatme-bench-") as directory:
        Path(directory).chmod(0o755)  # PostgreSQL runs as another user
        for driver in [given.driver] if given.driver else DRIVERS:
            print(f"| {driver} | | | |\n|---|---:|---:|---:|")
            for name, figures in of_driver(driver, given, Path(directory)):
                print(f"| {name} | {' | '.join([*figures, '', ''][:3])} |", flush=True)
            print()


if __name__ == "__main__":
    main()
