"""All that the clients of this folder said and were told: complete, without a fault of the server, true to the specification.

Runs last; whoever selects some of the tests is told nothing about completeness.
"""

from pathlib import Path

import pytest

from tests.clients.declared import Declared, Endpoint, exchanges
from tests.clients.house import House
from tests.clients.specification import violations

FOLDER = Path(__file__).parent
# Endpoints that nobody here can be answered well by, and why.
ONLY_REFUSED: dict[Endpoint, str] = {
    ("GET", "/.well-known/matrix/server"): "the server's name is where it federates",
    ("GET", "/.well-known/matrix/support"): "nobody to turn to is configured",
    ("POST", "/_matrix/client/v3/account/3pid"): "no identity server is spoken to",
    ("POST", "/_matrix/client/v3/account/3pid/bind"): "the same",
    ("POST", "/_matrix/client/v3/account/3pid/msisdn/requestToken"): "no text messages are sent",
    ("POST", "/_matrix/client/v3/account/password/msisdn/requestToken"): "the same",
    ("POST", "/_matrix/client/v3/register/msisdn/requestToken"): "the same",
    ("GET", "/_matrix/client/v1/auth_metadata"): "people log in here, and nowhere else",
    ("GET", "/_matrix/client/v3/login/sso/redirect"): "the same",
    ("GET", "/_matrix/client/v3/login/sso/redirect/{idp_id}"): "the same",
}
UNKNOWN_HERE = "GET /_matrix/client/v1/auth_metadata"  # is answered M_UNRECOGNIZED, as where there is no OAuth


@pytest.fixture
def whole(request: pytest.FixtureRequest) -> None:
    """All files of this folder take part in this run, and none of their tests is left out or was skipped."""
    files = {item.path for item in request.session.items}
    missing = [file.name for file in FOLDER.rglob("test_*.py") if "node_modules" not in file.parts and file not in files]
    option = request.config.option
    if missing or option.keyword or option.markexpr or not (FOLDER / "js/node_modules").exists():
        pytest.skip("only some of the clients took part")


def test_every_endpoint_was_called(house: House, whole: None, tmp_path: Path) -> None:
    declared = Declared(tmp_path)
    called: set[Endpoint | None] = set()
    answered_well: set[Endpoint | None] = set()
    for exchange in exchanges(house.recording):
        endpoint = declared.endpoint(exchange["method"], exchange["path"])
        called.add(endpoint)
        if exchange["status"] < 300:
            answered_well.add(endpoint)
    assert not sorted(declared.endpoints - called), "these want a test in plain/"
    assert not sorted(declared.endpoints - answered_well - set(ONLY_REFUSED)), "these want a test in plain/ that succeeds"
    assert not set(ONLY_REFUSED) & answered_well


def test_the_server_never_failed(house: House) -> None:
    failures = [exchange for exchange in exchanges(house.recording) if exchange["status"] >= 500]
    # The specification has one answer of these that is no fault: somebody else has not sent the file yet.
    assert [failure for failure in failures if failure["response_body"]["errcode"] != "M_NOT_YET_UPLOADED"] == []
    assert [line for line in house.server.errors().splitlines() if "Traceback" in line or "CRITICAL" in line or " error " in line] == []


def test_every_operation_of_the_specification_was_called(house: House, whole: None, tmp_path: Path) -> None:
    exempt = tmp_path / "exempt.txt"
    exempt.write_text(UNKNOWN_HERE)
    assert not violations(house.recording, "--require-all", "client", "--exempt", str(exempt))


def test_the_traffic_is_as_specified(house: House) -> None:
    assert not violations(house.recording)
