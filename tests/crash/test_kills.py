"""Fifty kills at random moments and one at each named point, on each driver: what was acknowledged stands (`python -m tests.crash` for the long run)."""

import asyncio
from pathlib import Path

import pytest

from tests.crash.campaign import Campaign, Death, deaths
from tests.crash.drivers import DRIVERS, database_of
from tests.crash.points import FAULTS, POINTS, SQLITE_ALONE

CYCLES = 50
SEED = 20


@pytest.mark.slow
@pytest.mark.parametrize("driver", DRIVERS)
def test_what_was_acknowledged_stands(driver: str, tmp_path: Path) -> None:
    with database_of(driver) as database:
        planned = deaths(SEED, CYCLES, 1, sqlite=database is None)
        report = asyncio.run(Campaign(tmp_path, database, SEED).run(planned))
    assert report.hits["at random"] == CYCLES
    assert set(report.hits) == {"at random", *POINTS} - (set() if driver == "sqlite" else SQLITE_ALONE)
    assert report.acknowledged > CYCLES


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_acknowledges_what_it_does_not_store_is_found_out(fault: str, tmp_path: Path) -> None:
    loss = r"was acknowledged as|told of before, is gone|is ahead of the server|acknowledged, \d+ tried|M_UNKNOWN_TOKEN"
    with pytest.raises(AssertionError, match=loss):
        asyncio.run(Campaign(tmp_path, None, SEED).run([Death(fault, 60)] * 5))
