"""What a commit costs: rows a second and CPU a row, on each driver, with 1 to 100 writers that each wait for their own row.

    python -m tests.bench.commits [--driver sqlite|postgres] [--seconds 2] [--directory DIR]

The rows are as large as a stored event, every commit is durable, the loop is uvloop, as in the server. PostgreSQL's own CPU is printed beside ours.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import uvloop
from twisted.internet.defer import Deferred, ensureDeferred

from config.database import DatabaseSettings
from config.secret import Secret
from homeserver.streams import Change, Streams
from storage.database import Database, WriteCursor
from storage.drivers.threads import LoopThreads
from storage.open_storage import open_database
from tests.support.clock import SeededChance
from tests.support.loop import ThreadLoop
from tests.support.postgres import TemporaryPostgres, find_binaries

INSERT = """INSERT INTO events (num, room_num, position, topo, flags, notifies, ts, type, sender, state_key, event_id, thread, redacted_by, state_before,
    state_after, body, links) VALUES (?, ?, ?, ?, 0, 1, ?, ?, ?, NULL, ?, NULL, NULL, ?, NULL, ?, ?)"""
BODY, LINKS, ROOT = b"x" * 250, b"y" * 450, b"r" * 16
FIGURES = "{:8.0f} rows/s  {:6.1f} µs  server {:6.1f} µs  p50 {:6.2f} ms  p99 {:6.2f} ms"
WRITERS = (1, 5, 20, 100)
nums = count(1)


def insert(cursor: WriteCursor, items: Sequence[int]) -> list[int]:
    rows = []
    positions = []
    for room in items:
        num = next(nums)
        position = cursor.position()
        positions.append(position)
        rows.append(
            (num, room, position, num, 1700000000000 + num, "m.room.message", "@alice:example.org", f"$event{num:038}", ROOT, BODY, LINKS)
        )
        cursor.announce(Change(position, "event", "!room:example.org"))
    cursor.many(INSERT, rows)
    return positions


async def grouped(database: Database, room: int) -> None:
    await database.write_grouped(insert, room)


async def single(database: Database, room: int) -> None:
    await database.write(lambda cursor: insert(cursor, (room,)))


async def measure(database: Database, send: Any, writers: int, seconds: float, server: Any) -> tuple[float, float, float, float, float]:
    """Rows a second; ours and the server's CPU in µs a row; median and 99th percentile of the wait in ms."""
    waits: list[float] = []
    end = time.perf_counter() + seconds

    async def write(room: int) -> None:
        while (began := time.perf_counter()) < end:
            await send(database, room)
            waits.append(time.perf_counter() - began)
            turn: Deferred[None] = Deferred()  # the next request comes by the network
            asyncio.get_running_loop().call_soon(turn.callback, None)
            await turn

    began, cpu, other = time.perf_counter(), time.process_time(), server()
    tasks = [ensureDeferred(write(room)).asFuture(asyncio.get_running_loop()) for room in range(writers)]
    await asyncio.gather(*tasks)
    passed, cpu, other = time.perf_counter() - began, time.process_time() - cpu, server() - other
    waits.sort()
    rows = len(waits)
    return rows / passed, cpu / rows * 1e6, other / rows * 1e6, waits[rows // 2] * 1e3, waits[rows * 99 // 100] * 1e3


async def run(url: str, seconds: float, server: Any) -> None:
    loop = asyncio.get_running_loop()
    threads = LoopThreads(loop.call_soon, loop.call_soon_threadsafe)
    opening = open_database(
        DatabaseSettings(url=Secret(url)), directory=Path(), streams=Streams(), clock=ThreadLoop(), chance=SeededChance(), threads=threads
    )
    database = await ensureDeferred(opening).asFuture(loop)
    for name, send in (("write_grouped", grouped), ("write", single)):
        for writers in WRITERS:
            figures = await measure(database, send, writers, seconds, server)
            print(f"{url.partition(':')[0]:11} {name:14} {writers:4} writers  {FIGURES.format(*figures)}")
    await ensureDeferred(database.close()).asFuture(loop)  # type: ignore[arg-type]


def server_cpu(directory: Path) -> float:
    """CPU seconds of all processes whose working directory is PostgreSQL's."""
    total = 0.0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(directory):
                fields = (process / "stat").read_text().rpartition(")")[2].split()
                total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except OSError:
            continue  # it has ended
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--driver", choices=["sqlite", "postgres"])
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--directory", type=Path, default=None)
    options = parser.parse_args()
    if options.driver in (None, "sqlite"):
        with tempfile.TemporaryDirectory(dir=options.directory) as directory:
            uvloop.run(run(f"sqlite:///{directory}/chatme.db", options.seconds, lambda: 0.0))
    if options.driver in (None, "postgres") and (binaries := find_binaries()) is not None:
        server = TemporaryPostgres(binaries, durable=True)
        try:
            server.start()
            uvloop.run(run(server.create(), options.seconds, lambda: server_cpu(server.directory)))
        finally:
            server.remove()


if __name__ == "__main__":
    main()
