"""Hold runs of Complement against what is recorded: python -m tests.conformance.compare [--record] [--beside SERVER] RUN…

A RUN is what `go test -json` printed, or a summary of that: {"tests": {package: {test: outcome}}}. The exit status is 1 when a test that is recorded
as passed did not pass. `--record` writes the run down instead, so that the difference is one of files. `--beside` names the server that stood in the
place of the second, where it was another than ChatMe: such runs are kept as PACKAGE-beside-SERVER.
"""

import argparse
import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent
RECORDED = FOLDER / "recorded"
OUTCOMES = ("pass", "fail", "skip")

Outcomes = dict[str, str]  # of tests and their subtests


def read_run(text: str) -> dict[str, Outcomes]:
    """By package, without the path before it."""
    if text.startswith("{\n"):
        return {_name(package): dict(tests) for package, tests in json.loads(text)["tests"].items()}
    found: dict[str, Outcomes] = {}
    for line in text.splitlines():
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("Action") in OUTCOMES and "Test" in event:
            found.setdefault(_name(event["Package"]), {})[event["Test"]] = event["Action"]
    return found


def _name(package: str) -> str:
    return package.rpartition("/")[2]


def recorded() -> dict[str, Outcomes]:
    return {file.stem: json.loads(file.read_text()) for file in sorted(RECORDED.glob("*.json"))}


def record(package: str, outcomes: Outcomes) -> None:
    RECORDED.joinpath(f"{package}.json").write_text(json.dumps(outcomes, indent=0, sort_keys=True) + "\n")


def reasons() -> dict[str, dict[str, str]]:
    """Why a test function fails, by package."""
    return tomllib.loads((FOLDER / "reasons.toml").read_text())


def functions(outcomes: Outcomes) -> Outcomes:
    return {name: outcome for name, outcome in outcomes.items() if "/" not in name}


def differences(package: str, old: Outcomes, new: Outcomes) -> Iterator[tuple[bool, str]]:
    """(whether it is a loss, what it is), test by test."""
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name, "absent"), new.get(name, "absent")
        if before != after:
            yield before == "pass", f"{package}: {name}: {before} -> {after}"


def counts(outcomes: Outcomes) -> str:
    told = functions(outcomes).values()
    return ", ".join(f"{sum(one == outcome for one in told)} {outcome}" for outcome in OUTCOMES)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.conformance.compare", description=__doc__.partition("\n")[0] if __doc__ else None
    )
    parser.add_argument("--record", action="store_true", help="write the runs down")
    parser.add_argument("--beside", metavar="SERVER", help="what the second server was")
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    chosen = parser.parse_args(arguments)
    known, losses = recorded(), 0
    for run in chosen.runs:
        for name, outcomes in read_run(run.read_text()).items():
            package = f"{name}-beside-{chosen.beside}" if chosen.beside else name
            print(f"{package}: {counts(outcomes)}")
            for is_loss, line in differences(package, known.get(package, {}), outcomes):
                losses += is_loss
                print(f"  {'worse' if is_loss else 'other'}: {line}")
            if chosen.record:
                record(package, outcomes)
    return 0 if chosen.record or not losses else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
