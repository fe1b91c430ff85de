"""What is recorded of Complement is in order, each failure has its reason, and a loss is noticed."""

import json
from pathlib import Path

import pytest

from tests.conformance import compare


def test_what_is_recorded_is_in_order() -> None:
    found = compare.recorded()
    assert "csapi" in found
    for package, outcomes in found.items():
        assert list(outcomes) == sorted(outcomes), package
        assert set(outcomes.values()) <= set(compare.OUTCOMES), package


def test_each_failure_has_its_reason() -> None:
    failed = {
        package: sorted(name for name, outcome in compare.functions(outcomes).items() if outcome == "fail")
        for package, outcomes in compare.recorded().items()
    }
    assert {package: sorted(tests) for package, tests in compare.reasons().items()} == {
        package: names for package, names in failed.items() if names
    }


RUN = """\
{"Action":"run","Package":"github.com/matrix-org/complement/tests/csapi","Test":"TestA"}
{"Action":"pass","Package":"github.com/matrix-org/complement/tests/csapi","Test":"TestA"}
{"Action":"fail","Package":"github.com/matrix-org/complement/tests/csapi","Test":"TestB/part"}
{"Action":"fail","Package":"github.com/matrix-org/complement/tests/csapi","Test":"TestB"}
{"Action":"fail","Package":"github.com/matrix-org/complement/tests/csapi"}
a line of something else
"""
OUTCOMES = {"TestA": "pass", "TestB": "fail", "TestB/part": "fail"}


def test_both_forms_of_a_run_are_read() -> None:
    summary = json.dumps({"about": "x", "tests": {"tests/csapi": OUTCOMES}}, indent=1)
    assert compare.read_run(RUN) == compare.read_run(summary) == {"csapi": OUTCOMES}


@pytest.mark.parametrize(
    ("before", "status"), [({"TestA": "pass"}, 0), ({"TestA": "fail", "TestC": "skip"}, 0), ({"TestC": "pass"}, 1), ({"TestB": "pass"}, 1)]
)
def test_a_loss_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], before: dict[str, str], status: int
) -> None:
    monkeypatch.setattr(compare, "RECORDED", tmp_path)
    compare.record("csapi", before)
    run = tmp_path / "run"
    run.write_text(RUN)
    assert compare.main([str(run)]) == status
    assert ("worse" in capsys.readouterr().out) == bool(status)
    assert compare.main(["--record", str(run)]) == 0
    assert compare.recorded() == {"csapi": OUTCOMES}
    assert compare.main([str(run)]) == 0
    assert compare.main(["--record", "--beside", "other", str(run)]) == 0
    assert compare.recorded() == {"csapi": OUTCOMES, "csapi-beside-other": OUTCOMES}
