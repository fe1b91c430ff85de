"""Searching: bytes and processor time of the index for each message, and the time of a search with and without it.

python -m tests.bench.search [--driver sqlite|postgres] [--messages 100000] [--rooms 20]
"""

import argparse
import time
from random import Random
from typing import Any

from homeserver.protocol.event import Draft
from homeserver.search import block
from homeserver.search.criteria import read_criteria
from homeserver.search.find import Finder
from homeserver.search.store import Block
from storage.finding.search import StoredSearch
from storage.paging import StoredPages
from tests.bench.servers import DRIVERS
from tests.bench.world import World, run

LETTERS = "etaoinshrdlcumwfgypbvk"
TERMS = ("needle", "haystack needle", "東京", "京", "word1 word2", "ing", "e")


class Speaker:
    """Says sentences of words of which few are frequent, and now and then something else."""

    def __init__(self) -> None:
        self._random = Random(1)
        shares = range(len(LETTERS), 0, -1)
        self._words = ["".join(self._random.choices(LETTERS, shares, k=self._random.randint(2, 9))) for _ in range(20_000)]
        self._shares = [1 / (place + 5) for place in range(len(self._words))]

    def sentence(self, number: int) -> str:
        words = self._random.choices(self._words, self._shares, k=max(1, int(self._random.lognormvariate(2.2, 0.8))))
        if number % 5_000 == 7:
            words.append("needle in a haystack 東京都")
        return " ".join(words)


async def fill(world: World, rooms: list[str], messages: int) -> None:
    speaker = Speaker()

    async def send(number: int) -> str:
        content = {"msgtype": "m.text", "body": speaker.sentence(number)}
        return await world.writing.sender.send(rooms[number % len(rooms)], Draft("m.room.message", world.user(0), content))

    await world.together(messages, send)


async def measure(world: World, messages: int, room_count: int) -> list[tuple[str, float]]:
    parts: Any = world.parts
    store = StoredSearch(parts.ground.database, parts.ground.names)
    rooms = [await world.room(2) for _ in range(room_count)]
    await fill(world, rooms, messages)
    rows = [(f"ms, {term!r} without an index", await searched(world, store, term)) for term in TERMS]
    before, used = world.size(), time.process_time()
    for room_id in rooms:
        while isinstance(found := await store.missing(room_id, block.write), Block):
            await store.keep(found)
    rows.append(("bytes of the index a message", (world.size() - before) / messages))
    rows.append(("µs of processor time for it a message", (time.process_time() - used) * 1e6 / messages))
    return rows + [(f"ms, {term!r}", await searched(world, store, term)) for term in TERMS]


async def searched(world: World, store: StoredSearch, term: str) -> float:
    parts: Any = world.parts
    finder = Finder(
        store=store,
        rooms=parts.rooms.store,
        members=parts.rooms.members,
        timelines=parts.rooms.timeline_store,
        pages=StoredPages(parts.ground.database, parts.ground.names),
        history=parts.rooms.history,
        replacing=parts.rooms.aggregations,
        ignoring=parts.rooms.account_data,
    )
    started = time.perf_counter()
    await finder.find(world.user(0), read_criteria({"search_term": term}), 2**53 - 1)
    return (time.perf_counter() - started) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--driver", choices=DRIVERS, help="one of them alone")
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--rooms", type=int, default=20)
    given = parser.parse_args()
    drivers = [given.driver] if given.driver else DRIVERS
    results = [dict(run(driver, lambda world: measure(world, given.messages, given.rooms))) for driver in drivers]
    print(f"| {given.messages:,} messages | {' | '.join(drivers)} |\n|---|{'---:|' * len(drivers)}")
    for name in results[0]:
        print(f"| {name} | {' | '.join(f'{result[name]:,.1f}' for result in results)} |")


if __name__ == "__main__":
    main()
