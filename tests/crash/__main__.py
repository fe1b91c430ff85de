"""The long run: `python -m tests.crash --cycles 1000 --driver sqlite`. Ends with what it did, or with the law that was broken."""

import argparse
import asyncio
import tempfile
from pathlib import Path

from tests.crash.campaign import Campaign, deaths
from tests.crash.drivers import DRIVERS, database_of


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description="Kills the server under load and looks at what is left.")
    parser.add_argument("--cycles", type=int, default=1000, help="kills at random moments")
    parser.add_argument("--points", type=int, default=20, help="kills at each named point")
    parser.add_argument("--driver", choices=DRIVERS, default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chatme-crash-") as folder, database_of(given.driver) as database:
        planned = deaths(given.seed, given.cycles, given.points, sqlite=database is None)
        campaign = Campaign(Path(folder), database, given.seed, tell=lambda line: print(line, flush=True))
        print(asyncio.run(campaign.run(planned)))


if __name__ == "__main__":
    main()
