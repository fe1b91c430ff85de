"""The long run: `python -m tests.fuzz --count 500000 --seed 7`. A new server every so many requests, each with its own seed."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.fuzz.run import Fuzzer, Report
from tests.support.server import make_server

LIFE = 50_000  # requests to one server


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Generated requests over every endpoint, in process.")
    parser.add_argument("--count", type=int, default=500_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quiet", action="store_true", help="only the result")
    given = parser.parse_args()
    failed = False
    for life in range(-(-given.count // LIFE)):
        count = min(LIFE, given.count - life * LIFE)
        report = one_life(given.seed * 1000 + life, count, quiet=given.quiet)
        print(f"seed {given.seed * 1000 + life}: {report}", flush=True)
        failed = failed or bool(report.failures)
    sys.exit(failed)


def one_life(seed: int, count: int, *, quiet: bool) -> Report:
    with tempfile.TemporaryDirectory(prefix="chatme-fuzz-") as folder:
        fuzzer = Fuzzer(
            make_server(Path(folder), seed=seed), seed, (lambda line: None) if quiet else (lambda line: print(line, flush=True))
        )
        return fuzzer.run(count)


if __name__ == "__main__":
    main()
