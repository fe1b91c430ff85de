"""What the check of traffic against the specification says of a recording. It lies beside this repository."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

CHECK = ROOT.parent / "shared/spec/check_traffic.py"
NOTHING_RECORDED = 2


def violations(recording: Path, *options: str) -> str:
    """Nothing where all is well."""
    if not CHECK.exists():
        pytest.skip("the check against the specification is not beside this repository")
    done = subprocess.run([sys.executable, str(CHECK), str(recording), *options], capture_output=True, text=True, check=False)
    if done.returncode == NOTHING_RECORDED:
        pytest.skip("nobody said anything")
    return done.stdout[done.stdout.rfind("\nviolations") :] + done.stderr if done.returncode else ""
