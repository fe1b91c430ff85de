"""The comparison by hand: python -m tests.protocol.oracle.run --rooms 100000 --seed 7."""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

from tests.protocol.oracle.compare import compare, oracle_python
from tests.protocol.oracle.generate import generate

VERSIONS = (*range(1, 13), 11, 12)  # the two that matter most come twice


def requests(rooms: int, seed: int, versions: tuple[int, ...] = VERSIONS) -> Iterator[dict[str, Any]]:
    """So many rooms, the versions by turns; the same seed gives the same rooms."""
    for number in range(rooms):
        yield generate(versions[number % len(versions)], seed * 10_000_000 + number)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rooms", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--version", type=int, action="append", help="only this room version; may be repeated")
    parser.add_argument("--show", type=int, default=10, help="how many differences to print")
    options = parser.parse_args()
    python = oracle_python()
    if python is None:
        print("no interpreter with matrix-synapse: set CHATME_ORACLE_PYTHON or make .oracle")
        return 2
    started = time.monotonic()
    report = compare(python, requests(options.rooms, options.seed, tuple(options.version or VERSIONS)))
    seconds = time.monotonic() - started
    print(
        f"{report.rooms} rooms, {report.resolutions} resolutions, {report.conflicts} with conflicts, {report.unanswered} unanswered, {seconds:.0f} s"
    )
    print(f"verdicts ours/theirs: {dict(sorted(report.verdicts.items()))}, known differences: {report.known_differences}")
    print(f"{len(report.differences)} differences")
    for difference in report.differences[: options.show]:
        print(json.dumps(difference))
    return 1 if report.differences else 0


if __name__ == "__main__":
    sys.exit(main())
