"""matrix-js-sdk in Node plays scenarios/*.mjs, all at once in one process, and each is a test."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.clients.house import House
from tests.support import node

FOLDER = Path(__file__).parent
SCENARIOS = sorted(file.stem for file in (FOLDER / "scenarios").glob("*.mjs"))
PATIENCE_SECONDS = 300  # on a busy machine; every step of a scenario ends earlier


def find_node() -> str:
    if not (FOLDER / "node_modules/matrix-js-sdk/package.json").exists():
        pytest.skip("matrix-js-sdk is not installed: tests/install services")
    return node.find_node()


@pytest.fixture(scope="session")
def played(house: House) -> dict[str, str]:
    """For each scenario why it failed, or nothing."""
    command = [find_node(), "play.mjs", house.address]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)
    results = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"scenario":')]
    found = {result["scenario"]: result.get("why", "") for result in results}
    return {scenario: found.get(scenario, f"did not end: {done.stderr[-2000:]}") for scenario in SCENARIOS}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(scenario: str, played: dict[str, str]) -> None:
    assert not played[scenario], played[scenario]
