"""Hydrogen, an existing web client, in headless Chromium: one step of a day with it is a test. What was seen after each step is kept in `shots/`."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.running.process import SERVE, Running
from tests.support.node import find_node

FOLDER = Path(__file__).parent
SHOTS = FOLDER / "shots"
STEPS = re.findall(r"^    async (\w+)\(", (FOLDER / "steps.mjs").read_text(), re.MULTILINE)
PATIENCE_SECONDS = 120


def find_chromium() -> str:
    if not (FOLDER / "node_modules/hydrogen-view-sdk/package.json").exists():
        pytest.skip("Hydrogen is not installed: tests/install services")
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("there is no Chromium here: tests/install services")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> dict[str, dict[str, str]]:
    """What became of each step that was reached."""
    node, chromium, folder = find_node(), find_chromium(), tmp_path_factory.mktemp("browser")
    shutil.rmtree(SHOTS, ignore_errors=True)
    SHOTS.mkdir()
    words = [SERVE, "--data", str(folder / "data"), "--name", "browser.test", "--client", "127.0.0.1:0", "--cheap-passwords"]
    with Running([*words, "--set", "media.unauthenticated_downloads=false"], folder) as server:
        command = [node, "play.mjs", server.address, chromium, str(SHOTS)]
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"step":')]
    assert told, f"nothing was played: {done.stderr[-2000:]}"
    request.config.get_terminal_writer().line(f"\nWhat the browser showed: {SHOTS}")
    return {step["step"]: step for step in told}


@pytest.mark.parametrize("step", STEPS)
def test_step(step: str, played: dict[str, dict[str, str]]) -> None:
    assert step in played, "an earlier step failed"
    assert "why" not in played[step], played[step]["why"]
    assert list(SHOTS.glob(f"*-{step}.png"))
