"""What the server says of itself, and how it answers what it does not know."""

from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from tests.clients.house import NAME, House
from tests.clients.person import PATIENCE_SECONDS, v3


def test_what_the_server_is(house: House) -> None:
    stranger, alice = house.stranger(), house.person("alice")
    assert {"v1.1", "v1.13", "v1.19"} <= set(stranger.get("/_matrix/client/versions")["versions"])
    assert stranger.get("/.well-known/matrix/client") == {"m.homeserver": {"base_url": house.address}}
    stranger.refused(404, "M_NOT_FOUND", "GET", "/.well-known/matrix/support")
    stranger.refused(404, "M_NOT_FOUND", "GET", "/.well-known/matrix/server")
    capabilities = alice.get(v3("capabilities"))["capabilities"]
    assert capabilities["m.room_versions"]["default"] == "12"
    assert {name for name, kind in capabilities["m.room_versions"]["available"].items() if kind == "stable"} == {
        str(number) for number in range(1, 13)
    }
    assert capabilities["m.change_password"] == {"enabled": True}
    stranger.refused(401, "M_MISSING_TOKEN", "GET", v3("capabilities"))


def test_the_page_for_people(house: House) -> None:
    status, page = house.stranger().exchange("GET", "/")
    assert status == 200
    assert NAME in page
    status, page = house.stranger().exchange("GET", "/_matrix/static/client/login/")
    assert status == 200
    assert "<form" in page


@pytest.mark.parametrize("path", ["/_matrix/client/v3/nothing", "/_matrix/nothing", "/_matrix/client/v9/login", "/_matrix/client/v3/sync/"])
def test_unknown_paths(path: str, house: House) -> None:
    house.stranger().refused(404, "M_UNRECOGNIZED", "GET", path)


def test_known_paths_by_unknown_methods(house: House) -> None:
    house.stranger().refused(405, "M_UNRECOGNIZED", "DELETE", v3("login"))
    house.stranger().refused(405, "M_UNRECOGNIZED", "PATCH", v3("sync"))


def test_the_paths_of_older_libraries(house: House) -> None:
    alice = house.person("alice")
    for prefix in ("/_matrix/client/r0", "/_matrix/client/unstable"):
        assert alice.get(f"{prefix}/account/whoami")["user_id"] == alice.user_id
    assert alice.get("/_matrix/client/r0/sync")["next_batch"]
    by_query = house.stranger().get(v3("account", "whoami", access_token=alice.token))
    assert by_query["user_id"] == alice.user_id


def test_browsers_may_call(house: House) -> None:
    connection = HTTPConnection(urlsplit(house.address).netloc, timeout=PATIENCE_SECONDS)
    try:
        for method, path in (("OPTIONS", v3("sync")), ("GET", v3("login")), ("GET", v3("sync")), ("OPTIONS", "/_matrix/client/v3/nothing")):
            connection.request(method, path, headers={"Origin": "https://app.example.org"})
            answer = connection.getresponse()
            answer.read()
            assert answer.headers["Access-Control-Allow-Origin"] == "*", path
            assert "Authorization" in answer.headers["Access-Control-Allow-Headers"], path
        connection.request("HEAD", "/_matrix/client/versions")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"")
    finally:
        connection.close()
