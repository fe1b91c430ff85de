"""Generated rooms judged by us and by another server: the same resolved states, the same verdicts. Skipped where that server is not installed."""

import pytest

from tests.protocol.oracle.compare import compare, oracle_python
from tests.protocol.oracle.run import VERSIONS, requests

_ROOMS = 5_040
_SEED = 1


@pytest.mark.slow
def test_another_server_resolves_and_judges_alike() -> None:
    python = oracle_python()
    if python is None:
        pytest.skip("no interpreter with matrix-synapse: set CHATME_ORACLE_PYTHON or make .oracle")
    report = compare(python, requests(_ROOMS, _SEED))
    assert report.differences[:3] == []
    assert report.rooms == _ROOMS
    assert report.rooms % len(VERSIONS) == 0
    assert report.conflicts > 0.9 * report.resolutions
    assert report.unanswered < 0.01 * report.resolutions
    assert sum(report.verdicts.values()) > 20_000
    assert report.verdicts["allow/allow"] > 8_000
    assert report.verdicts["refuse/refuse"] > 8_000
