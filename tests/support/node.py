"""Node.js for the tests that need it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

OLDEST_NODE = 22


def find_node() -> str:
    """Beside this Python, or on the path; without one there is nothing to test with."""
    for candidate in (str(Path(sys.executable).parent / "node"), shutil.which("node")):
        if candidate and Path(candidate).exists():
            version = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=True).stdout
            if int(version.lstrip("v").partition(".")[0]) >= OLDEST_NODE:
                return candidate
    pytest.skip(f"there is no Node {OLDEST_NODE} or newer here")
