"""What the check of traffic against the specification says of a recording. It lies beside this repository."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

CHECK = ROOT.parent / "shared/spec/check_traffic.py"
NOTHING_RECORDED = 2


def kinds_of_violation(recording: Path, result: Path) -> set[tuple[str, str]]:
    """Operations, and what was wrong with them; `result` is a file to be written."""
    violations(recording, "--json", str(result))
    found = json.loads(result.read_text())
    return {(f"{one['method']} {one['path']}", kind["what"]) for one in found["operations"] for kind in one["violations"]} | {
        ("an unknown path", kind["what"]) for kind in found["unknown"]["violations"]
    }


def violations(recording: Path, *options: str) -> str:
    """Nothing where all is well."""
    if not CHECK.exists():
        pytest.skip("the check against the specification is not beside this repository")
    done = subprocess.run([sys.executable, str(CHECK), str(recording), *options], capture_output=True, text=True, check=False)
    if done.returncode == NOTHING_RECORDED:
        pytest.skip("nobody said anything")
    return done.stdout[done.stdout.rfind("\nviolations") :] + done.stderr if done.returncode else ""
