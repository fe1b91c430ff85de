"""All that the servers of this folder's towns answered each other: every operation of the server-server API, and nothing but what is specified.

Runs last; whoever selects some of the tests is told nothing about completeness.
"""

from pathlib import Path

import pytest

from tests.clients.declared import exchanges
from tests.clients.specification import kinds_of_violation, violations
from tests.federation.support.recording import Recording

FOLDER = Path(__file__).parent.parent
# The invite is given back with a signature added, "all other fields […] should remain untouched", and events have no `origin`: it left the format
# of events in v1.3 (data/api/server-server/definitions/components/pdu_base.yaml), but not the schema of this answer (invite_event.yaml, line 60). What
# is added to an event spoils its hash.
NO_ORIGIN = {
    ("PUT /_matrix/federation/v1/invite/{roomId}/{eventId}", "200: * fits none of 2 alternatives, e.g. *.event: missing 'origin'"),
    ("PUT /_matrix/federation/v2/invite/{roomId}/{eventId}", "200: event: missing 'origin'"),
}


@pytest.fixture
def whole(request: pytest.FixtureRequest) -> None:
    """All files of this folder take part in this run, and none of their tests is left out."""
    files = {item.path for item in request.session.items}
    option = request.config.option
    if {*FOLDER.rglob("test_*.py")} - files or option.keyword or option.markexpr:
        pytest.skip("only some of the towns took part")


def test_every_operation_of_the_specification_was_called(recording: Recording, whole: None) -> None:
    assert "required, but never exercised" not in violations(recording.file, "--require-all", "server")


def test_the_traffic_is_as_specified(recording: Recording, tmp_path: Path) -> None:
    assert kinds_of_violation(recording.file, tmp_path / "found.json") <= NO_ORIGIN


def test_no_server_failed(recording: Recording) -> None:
    """What has the status of a fault is told of a file that somebody else does not give."""
    failures = [exchange for exchange in exchanges(recording.file) if exchange["status"] >= 500]
    assert [failure for failure in failures if "/media/" not in failure["path"]] == []
