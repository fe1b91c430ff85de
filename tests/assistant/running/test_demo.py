"""`make demo` shows a newcomer summary, task and meeting."""

import subprocess
import sys

import pytest

from tests.architecture.tree import ROOT

pytestmark = pytest.mark.slow


def test_the_demonstration_comes_to_its_end() -> None:
    words = [sys.executable, "-m", "tests.demo", "--once", "--port", "0"]
    played = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert played.returncode == 0, played.stderr[-3000:]
    for said in (
        "The boat needs new sails before May (<link to $",
        "New sails, before the regatta",
        "☑ Task 1",
        "📅 New sails",
        "📎 meeting.ics",
        "⏰ New sails",
    ):
        assert said in played.stdout, (said, played.stdout)
