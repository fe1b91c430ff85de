"""ChatMe and Synapse side by side: one command, one table for each database.

    python -m tests.bench.compare [--runs 3] [--driver sqlite|postgres] [--json FILE]

Each run starts ChatMe and then Synapse on an empty directory, loads it with `hsbench.py`, stops it, and starts it once more on what it has written. A
run with a 429, an error or a lost delivery does not count, and is named. Ratios of CPU hold on a busy machine, times do not: see `--quiet-wait`.
"""

import argparse
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench.figures import faults, medians, table
from tests.bench.servers import DRIVERS, ROOT, Running, Synapse, Tools, loop_lag, start_chatme, stop, stop_server
from tests.bench.small_requests import whoami_ms

SUITE = "http,seq_send,conc_send,deliver,sync,sliding,messages,members"
HISTORY = "2000"
SMALL_REQUESTS = 4_000
ROOMS = ("appservices", "config", "federation", "homeserver", "schema", "storage")
BLOCKED = 0.1  # seconds for which the loop may not be kept from its work


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--driver", choices=DRIVERS, help="one of them alone")
    parser.add_argument("--only", choices=("chatme", "synapse"), help="one of the servers alone")
    parser.add_argument("--bench", type=Path, default=ROOT.parent / "shared" / "bench", help="the folder of hsbench.py")
    parser.add_argument(
        "--synapse-python", type=Path, default=ROOT / ".oracle" / "bin" / "python", help="of the environment `make oracle` makes"
    )
    parser.add_argument("--client-python", type=Path, default=Path(sys.executable), help="runs hsbench.py: needs uvloop, httptools, orjson")
    parser.add_argument("--quiet-wait", type=int, default=0, metavar="SECONDS", help="how long each workload may wait for a quiet machine")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", dest="settings", help="for ChatMe; repeatable")
    parser.add_argument("--suite", default=SUITE, help="workloads of hsbench.py; figures need all of the default")
    parser.add_argument("--json", type=Path, help="where all results go")
    parser.add_argument("--read", type=Path, nargs="+", help="print the table of such files instead of measuring")
    return parser


class Comparison:
    """Runs both servers in turn and keeps what came of it."""

    def __init__(self, given: argparse.Namespace, directory: Path) -> None:
        self._given = given
        self._directory = directory
        self._tools = Tools(given.bench.resolve(), given.synapse_python, given.client_python)
        self.runs: list[dict[str, Any]] = []

    def run(self, driver: str, number: int) -> None:
        for server, measure in (("chatme", self._chatme), ("synapse", self._synapse)):
            if self._given.only not in (None, server):
                continue
            directory = self._directory / f"{server}-{driver}-{number}"
            print(f"{driver}, run {number}: {server}", file=sys.stderr, flush=True)
            try:
                result = measure(directory, driver)
            finally:
                shutil.rmtree(directory, ignore_errors=True)
            self.runs.append({"server": server, "driver": driver, "number": number, "faults": faults(result), "result": result})
            if self._given.json:
                self._given.json.write_text(json.dumps({"runs": self.runs}))

    def _chatme(self, directory: Path, driver: str) -> dict[str, Any]:
        server = start_chatme(directory, driver, self._tools, self._given.settings)
        try:
            return self._measure(server, lambda: stop_server(server), loop_lag)
        finally:
            stop(server)

    def _synapse(self, directory: Path, driver: str) -> dict[str, Any]:
        if not self._given.synapse_python.exists():
            raise SystemExit(f"{self._given.synapse_python} is missing: `make oracle` makes it, --synapse-python names another")
        synapse = Synapse(directory, self._tools)
        try:
            return self._measure(synapse.start(driver), synapse.stop_server, lambda _: {})
        finally:
            synapse.stop()

    def _measure(self, server: Running, stop_it: Callable[[], None], lag: Callable[[str], Mapping[str, float]]) -> dict[str, Any]:
        pids = [part for pid in server.pids for part in ("--pid", str(pid))]
        suite = ["--suite", self._given.suite, "--runs", "1", "--n-history", HISTORY, "--registration-shared-secret", server.secret]
        wait = ["--quiet-wait", str(self._given.quiet_wait)]
        result = self._hsbench(server, ["suite", *suite, *wait, *pids, "--db-size-cmd", server.size_command])
        result["loop"] = lag(server.url)
        result["whoami_ms"] = whoami_ms(server, SMALL_REQUESTS)
        stop_it()
        result["coldstart"] = self._hsbench(
            server, ["coldstart", "--runs", "1", "--settle", "1", "--start-cmd", shlex.join(server.command)]
        )["coldstart"]
        return result

    def _hsbench(self, server: Running, arguments: Sequence[str]) -> dict[str, Any]:
        result = server.directory / "result.json"
        command = [
            str(self._tools.client_python),
            str(self._tools.bench / "hsbench.py"),
            *arguments,
            "--url",
            server.url,
            "--json",
            str(result),
        ]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
        if done.returncode:
            raise SystemExit(f"hsbench.py ended with {done.returncode}")
        return dict(json.loads(result.read_text()))


def report(runs: Sequence[Mapping[str, Any]]) -> bool:
    """Print tables, faults and the loop's lags; whether every run counts and the loop was never blocked."""
    good = True
    for driver in DRIVERS:
        sides = {}
        for server in ("chatme", "synapse"):
            made = [run for run in runs if (run["driver"], run["server"]) == (driver, server)]
            sides[server] = medians([run["result"] for run in made if not run["faults"]])
            for run in made:
                if run["faults"]:
                    good = False
                    print(f"{driver}, {server}, run {run['number']} does not count: {'; '.join(run['faults'])}")
        if not any(run["driver"] == driver for run in runs):
            continue
        print(*table(driver, sides["chatme"], sides["synapse"]), sep="\n")
        good = report_lags([run for run in runs if run["driver"] == driver]) and good
        print()
    return good


def report_lags(runs: Sequence[Mapping[str, Any]]) -> bool:
    lags = [run["result"]["loop"] for run in runs if run["result"].get("loop")]
    if not lags:
        return True
    told = ", ".join(f"{lag['longest'] * 1000:.0f} ms ({lag['used'] * 1000:.0f} ms of CPU)" for lag in lags)
    print(f"The longest lag of the event loop in each run: {told}; wanted: at most {BLOCKED * 1000:.0f} ms.")
    return all(min(lag["longest"], lag["used"]) <= BLOCKED for lag in lags)


def main() -> None:
    given = options().parse_args()
    if given.read:
        runs = [run for file in given.read for run in json.loads(file.read_text())["runs"]]
    else:
        # As `make install` does; a start would pay for it otherwise.
        subprocess.run([sys.executable, "-m", "compileall", "-q", "-o", "0", "-o", "2", *ROOMS], cwd=ROOT, check=True)
        with tempfile.TemporaryDirectory(prefix="chatme-bench-") as directory:
            Path(directory).chmod(0o755)  # PostgreSQL runs as another user
            comparison = Comparison(given, Path(directory))
            for number in range(1, given.runs + 1):
                for driver in [given.driver] if given.driver else DRIVERS:
                    comparison.run(driver, number)
            runs = comparison.runs
    sys.exit(0 if report(runs) else 1)


if __name__ == "__main__":
    main()
