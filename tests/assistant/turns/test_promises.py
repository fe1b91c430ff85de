"""The table of promises names tests that are there."""

import re
from pathlib import Path

HERE = Path(__file__).parent.parent


def test_each_promise_has_its_test() -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", (HERE / "README.md").read_text("utf-8"))
    assert len(named) > 60
    missing = [(file, test) for file, test in named if f"def {test}(" not in (HERE / file).read_text("utf-8")]
    assert missing == []
