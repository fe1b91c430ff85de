"""Kill after kill on one server: load, death, restart, laws."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.crash.actors.link import Link
from tests.crash.house import House
from tests.crash.points import POINTS, SQLITE_ALONE
from tests.crash.stored import Positions, check_postgres, check_sqlite
from tests.crash.world import World

RESTART_SECONDS = 5.0  # from start to the first 200, in the middle of all; a busy machine may be late now and then
HIT_SECONDS = 60.0  # a named point is passed within
LOOK_INSIDE = 5  # every so many cycles
PAUSE, HURRY = 0.06, 0.0


@dataclass(frozen=True, slots=True)
class Death:
    """How one cycle ends: at a random moment, or at the `count`-th passing of a named point."""

    point: str = ""
    count: int = 1
    after: float = 0.0


@dataclass
class Report:
    cycles: int = 0
    acknowledged: int = 0
    unsure: int = 0
    restarts: list[float] = field(default_factory=list)  # seconds
    hits: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        points = ", ".join(f"{name} {count}" for name, count in sorted(self.hits.items()))
        return (
            f"{self.cycles} kills ({points}): {self.acknowledged} acknowledged messages, {self.unsure} of unknown outcome, all as they must be; "
            f"restarts took {median(self.restarts):.2f} s, the slowest {max(self.restarts):.2f} s"
        )


def deaths(seed: int, cycles: int, each_point: int, *, sqlite: bool) -> list[Death]:
    """`cycles` at random moments, and each named point so many times, shuffled."""
    chance = random.Random(seed)
    planned = [Death(after=chance.uniform(0.05, 0.6)) for _ in range(cycles)]
    for point in POINTS:
        if point not in SQLITE_ALONE or sqlite:
            planned += [Death(point, _count(point, chance)) for _ in range(each_point)]
    chance.shuffle(planned)
    return planned


def _count(point: str, chance: random.Random) -> int:
    if point == "during_migration":
        return 1
    if point == "after_token":
        return chance.randint(1, 3)
    return chance.randint(1, 300) if point in ("during_checkpoint", "power_failure") else chance.randint(1, 40)


class Campaign:
    def __init__(self, folder: Path, database: str | None, seed: int, tell: Callable[[str], None] = lambda line: None) -> None:
        self.report = Report()
        self._folder = folder
        self._seed = seed
        self._tell = tell
        self.house = House(folder, database)
        self._positions = Positions()

    async def run(self, planned: Sequence[Death]) -> Report:
        world = World(self.house, self._folder, self._seed)
        try:
            assert self.house.start(), "the server does not start"
            await world.settle_in()
            assert self.house.stop() == 0
            world.hang_up()
            for number, death in enumerate(planned, 1):
                await self._cycle(world, death, number)
                if number % 50 == 0:
                    self._tell(str(self.report))
            await self._come_back(world, Death(), whole=True)
            assert self.house.stop() == 0, "the server does not end as it should"
            self._look_inside()
            assert median(self.report.restarts) < RESTART_SECONDS, self.report
            failures = self.house.failures()
            assert not failures, "\n".join(failures[:40])
            return self.report
        finally:
            self.house.kill()
            await world.close()

    async def _cycle(self, world: World, death: Death, number: int) -> None:
        """From one death to the next."""
        if death.point == "during_migration":
            self._die_migrating(death)
        else:
            await self._come_back(world, death)
            world.begin(pause=HURRY if death.point == "during_checkpoint" else PAUSE)
            await self._until_dead(world, death)
            await world.all_gone()
        if number % LOOK_INSIDE == 0:
            self._look_inside()
        report = self.report
        report.cycles += 1
        report.hits[death.point or "at random"] = report.hits.get(death.point or "at random", 0) + 1
        report.unsure += sum(sender.unsure is not None for sender in world.senders)
        report.acknowledged = world.acknowledged

    async def _come_back(self, world: World, death: Death, *, whole: bool = False) -> None:
        """The server starts on what the last one left, and everything must be as it should; `death` is what awaits it."""
        began = time.monotonic()
        assert self.house.start(death.point, death.count), f"the server does not start: {self.house.errors.read_text()[-2000:]}"
        link = Link(self.house.port)
        await link.ok("GET", "/_matrix/client/versions")
        link.close()
        self.report.restarts.append(time.monotonic() - began)
        await world.check(whole=whole)

    async def _until_dead(self, world: World, death: Death) -> None:
        if not death.point:
            await asyncio.sleep(death.after)
            world.look()
            self.house.kill()
            return
        self.house.arm()
        deadline = time.monotonic() + HIT_SECONDS
        while not self.house.is_dead:
            world.look()
            assert time.monotonic() < deadline, f"the server never came to {death.point} {death.count} times"
            await asyncio.sleep(0.005)
        self.house.kill()

    def _die_migrating(self, death: Death) -> None:
        self.house.migrations += 1
        assert not self.house.start(death.point, death.count), "the migration was not cut off"

    def _look_inside(self) -> None:
        if self.house.database is None:
            check_sqlite(self.house.sqlite_file, self._folder, self._positions)
        else:
            check_postgres(self.house.database, self._positions)
