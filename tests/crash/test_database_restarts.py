"""PostgreSQL goes and comes back under load, cleanly or not; the server stays up, says 503 meanwhile, and nothing is lost or doubled."""

import asyncio
import random
import signal
import time
from pathlib import Path

import pytest

from tests.crash.campaign import PAUSE
from tests.crash.drivers import postgres_server
from tests.crash.house import House
from tests.crash.stored import Positions, check_postgres
from tests.crash.world import World
from tests.support.postgres import TemporaryPostgres

RESTARTS = (signal.SIGINT, signal.SIGQUIT, signal.SIGQUIT, signal.SIGINT)  # cleanly, or as after a crash
KILL_BACKENDS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'test_%'"
RECOVERY_SECONDS = 30.0
SEED = 4


@pytest.mark.slow
@pytest.mark.parametrize("outage_seconds", ["0.1", "8.0"])
def test_the_database_restarts_under_load(outage_seconds: str, tmp_path: Path) -> None:
    with postgres_server() as server:
        house = House(tmp_path, server.create(), "--set", f"database.outage_seconds={outage_seconds}")
        refusals = asyncio.run(restart_under_load(house, server, tmp_path))
    if outage_seconds == "0.1":
        assert refusals > len(RESTARTS)  # 503 rather than a long wait


async def restart_under_load(house: House, server: TemporaryPostgres, folder: Path) -> int:
    """How often senders were told 503."""
    world, positions, chance = World(house, folder, SEED), Positions(), random.Random(SEED)
    try:
        assert house.start()
        await world.settle_in()
        for kind in RESTARTS:
            world.begin(pause=PAUSE)
            await asyncio.sleep(chance.uniform(0.2, 0.5))
            await asyncio.to_thread(server.execute, KILL_BACKENDS)
            await asyncio.sleep(chance.uniform(0.1, 0.3))
            await asyncio.to_thread(server.stop, kind)
            await asyncio.sleep(chance.uniform(0.1, 0.6))
            await asyncio.to_thread(server.start)
            await recovered(world)
            await world.stop()
            await world.check()
            assert house.database is not None
            check_postgres(house.database, positions)
        await world.check(whole=True)
        assert house.stop() == 0
        return sum(sender.refusals for sender in world.senders)
    finally:
        house.kill()
        await world.close()


async def recovered(world: World) -> None:
    """Every sender is answered again."""
    before = [len(sender.acknowledged) for sender in world.senders]
    deadline = time.monotonic() + RECOVERY_SECONDS
    while any(len(sender.acknowledged) == count for sender, count in zip(world.senders, before, strict=True)):
        world.look()
        assert time.monotonic() < deadline, "the server does not recover"
        await asyncio.sleep(0.02)
