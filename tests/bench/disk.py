"""Bytes on disk: per message and per state event, in a room of 10 and of 10,000 members, and after 1,000 forks.

    python -m tests.bench.disk [--driver sqlite|postgres] [--events 2000] [--members 10000] [--forks 1000]

The whole database counts, indexes and rows of state nodes too; the log does not.
"""

import argparse
from collections.abc import Awaitable, Callable

from tests.bench.forks import fork
from tests.bench.servers import DRIVERS
from tests.bench.world import World, run

SMALL = 10


async def grown(world: World, events: int, write: Callable[[], Awaitable[object]]) -> float:
    """Bytes for each of `events` that `write` makes."""
    before = world.size()
    await write()
    return (world.size() - before) / events


async def measure(world: World, events: int, members: int, forks: int) -> list[tuple[str, float]]:
    rows = []
    for size in (SMALL, members):
        rows += await of_room(world, events, size)
    room_id = await world.room(SMALL)

    async def forking() -> None:
        for number in range(forks):
            await fork(world, room_id, number)

    rows.append((f"state event of a fork (3 in each of {forks:,})", await grown(world, forks * 3, forking)))
    rows.append((f"message after {forks:,} forks", await grown(world, events, lambda: world.messages(room_id, events))))
    rows.append((f"state event after {forks:,} forks", await grown(world, events, lambda: world.topics(room_id, events))))
    return rows


async def of_room(world: World, events: int, members: int) -> list[tuple[str, float]]:
    room_id = await world.room(1)
    joined = await grown(world, members - 1, lambda: world.join(room_id, 1, members))
    sent = await grown(world, events, lambda: world.messages(room_id, events))
    written = await grown(world, events, lambda: world.topics(room_id, events))
    where = f"room of {members:,}"
    return [(f"message, {where}", sent), (f"state event, {where}", written), (f"join, {where}", joined)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--driver", choices=DRIVERS, help="one of them alone")
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--members", type=int, default=10_000)
    parser.add_argument("--forks", type=int, default=1000)
    given = parser.parse_args()
    drivers = [given.driver] if given.driver else DRIVERS
    results = [dict(run(driver, lambda world: measure(world, given.events, given.members, given.forks))) for driver in drivers]
    print(f"| bytes a … | {' | '.join(drivers)} |\n|---|{'---:|' * len(drivers)}")
    for name in results[0]:
        print(f"| {name} | {' | '.join(f'{result[name]:,.0f}' for result in results)} |")


if __name__ == "__main__":
    main()
