"""ChatMe and Synapse side by side as servers among others: one command, one table for each database.

    python -m tests.bench.federation [--runs 3] [--driver sqlite|postgres] [--json FILE]

A Synapse holds a large room, and fresh servers of both kinds join it in turn. Servers that the benchmark plays send messages, which were signed
beforehand, and are sent some. A run in which an event is lost or refused ends with an error.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bench.federation import inbound, outbound
from tests.bench.federation.figures import medians, table
from tests.bench.federation.joining import LargeRoom
from tests.bench.federation.peer import Peer, address
from tests.bench.federation.servers import KINDS, Measured, Place
from tests.bench.servers import DRIVERS, ROOT, Tools, free_port
from tests.federation.support.certificates import Authority

PARTS = ("join", "inbound", "outbound")


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.federation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--driver", choices=DRIVERS, help="one of them alone")
    parser.add_argument("--only", choices=KINDS, help="one of the servers alone")
    parser.add_argument("--parts", default=",".join(PARTS), help=f"of {', '.join(PARTS)}")
    parser.add_argument("--members", type=int, default=1_000, help="of the large room")
    parser.add_argument("--events", type=int, default=5_000, help="of the large room")
    parser.add_argument("--messages", type=int, default=2_000, help="that arrive")
    parser.add_argument("--gone", type=int, default=1_000, help="servers that do not answer any more")
    parser.add_argument("--bench", type=Path, default=ROOT.parent / "shared" / "bench", help="the folder of run_synapse.py")
    parser.add_argument(
        "--synapse-python", type=Path, default=ROOT / ".oracle" / "bin" / "python", help="of the environment `make oracle` makes"
    )
    parser.add_argument("--json", type=Path, help="where all results go")
    parser.add_argument("--read", type=Path, nargs="+", help="print the table of such files instead of measuring")
    return parser


class Comparison:
    def __init__(self, given: argparse.Namespace, folder: Path) -> None:
        self._given = given
        self._parts = given.parts.split(",")
        authority = Authority(folder)
        names = [address(number) for number in range(max(given.gone, outbound.SEVERAL))]
        self._certificate = authority.certify("127.0.0.1", "localhost", *names)
        self._place = Place(folder, Tools(given.bench.resolve(), given.synapse_python, Path(sys.executable)), authority, self._certificate)
        self.runs: list[dict[str, Any]] = []

    def run(self, driver: str) -> None:
        if "join" in self._parts:
            self._join(driver)
        if "inbound" in self._parts:
            self._take_turns(driver, self._inbound, "inbound")
        if "outbound" in self._parts:
            self._take_turns(driver, lambda server: outbound.measure(server, self._peer, self._given.gone), "outbound")

    def _join(self, driver: str) -> None:
        """All who joined stay, for whoever comes later asks for their keys."""
        with ExitStack() as stack:
            host = stack.enter_context(self._place.server("synapse", driver))
            self._say(driver, 0, "filling the large room")
            room = LargeRoom(host, self._given.members, self._given.events)
            room.enter(
                stack.enter_context(self._place.server("chatme", driver))
            )  # what the host looks up for the first is at hand for the others
            self._take_turns(driver, room.enter, "join", stack)

    def _inbound(self, server: Measured) -> inbound.Figures:
        with self._peer() as peer:
            return inbound.measure(server, peer, self._given.messages)

    def _peer(self) -> Peer:
        return Peer(self._certificate, self._place.authority.file, free_port())

    def _take_turns(self, driver: str, measure: Callable[[Measured], inbound.Figures], part: str, stay: ExitStack | None = None) -> None:
        for number in range(1, self._given.runs + 1):
            for kind in KINDS if number % 2 else KINDS[::-1]:
                if self._given.only in (None, kind):
                    self._say(driver, number, f"{part}, {kind}")
                    with ExitStack() as stack:
                        found = measure((stay or stack).enter_context(self._place.server(kind, driver)))
                    self._say(driver, number, ", ".join(f"{name} {value:.3g}" for name, value in found.items()))
                    self.runs.append({"driver": driver, "kind": kind, "part": part, "number": number, "figures": found})
                    if self._given.json:
                        self._given.json.write_text(json.dumps({"runs": self.runs}))

    def _say(self, driver: str, number: int, text: str) -> None:
        print(f"{driver}, run {number}: {text}", file=sys.stderr, flush=True)


def report(runs: Sequence[Mapping[str, Any]]) -> bool:
    good = True
    for driver in DRIVERS:
        sides = [medians([run["figures"] for run in runs if (run["driver"], run["kind"]) == (driver, kind)]) for kind in KINDS]
        if any(sides):
            lines, reached = table(driver, *sides)
            print(*lines, "", sep="\n")
            good = good and reached
    return good


def main() -> None:
    given = options().parse_args()
    if given.read:
        runs = [run for file in given.read for run in json.loads(file.read_text())["runs"]]
    else:
        if not given.synapse_python.exists():
            raise SystemExit(f"{given.synapse_python} is missing: `make oracle` makes it, --synapse-python names another")
        with tempfile.TemporaryDirectory(prefix="chatme-bench-") as directory:
            folder = Path(directory)
            folder.chmod(0o755)  # PostgreSQL runs as another user
            comparison = Comparison(given, folder)
            for driver in [given.driver] if given.driver else DRIVERS:
                comparison.run(driver)
            runs = comparison.runs
    sys.exit(0 if report(runs) else 1)


if __name__ == "__main__":
    main()
