"""What anybody may ask another server, without a signature: whose keys it knows, whose token it issued, where it is."""

from pathlib import Path
from typing import Any

from config.server import Server
from federation.client import Ask, v1
from tests.federation.support.asking import ask, ok
from tests.federation.support.town import Town, town_of
from tests.support.rooms import V3

KEYS = "/_matrix/key/v2/query"


def asked(town: Town, path: str, **query: Any) -> Any:
    return town.run(town["b.test"].federation.reach.client.ask(Ask("GET", "a.test", path, query, signed=False)))


def test_keys_are_told_by_a_notary(town: Town) -> None:
    (own,) = asked(town, f"{KEYS}/a.test")["server_keys"]
    assert (own["server_name"], list(own["signatures"])) == ("a.test", ["a.test"])
    (other,) = asked(town, f"{KEYS}/b.test", minimum_valid_until_ts=town.clock.now_ms() + 1_000)["server_keys"]
    assert (other["server_name"], sorted(other["signatures"])) == ("b.test", ["a.test", "b.test"])
    assert asked(town, f"{KEYS}/nowhere.test")["server_keys"] == []
    wanted: dict[str, dict[str, dict[str, int]]] = {"server_keys": {"a.test": {}, "b.test": {}}}
    told = ok(town, KEYS, method="POST", body=wanted)["server_keys"]
    assert [document["server_name"] for document in told] == ["a.test", "b.test"]


def test_whose_token_it_is(town: Town) -> None:
    alice = town.user("a.test", "alice")
    made = town["a.test"].ok(alice.post(f"{V3}/user/@alice:a.test/openid/request_token", {}))
    token = made["access_token"]
    assert asked(town, v1("openid", "userinfo"), access_token=token) == {"sub": "@alice:a.test"}
    status, answer = ask(town, v1("openid", "userinfo"), {"access_token": "none"})
    assert (status, answer["errcode"]) == (401, "M_UNKNOWN_TOKEN")


def test_an_address_becomes_that_of_a_user(town: Town) -> None:
    town.user("a.test", "alice")
    body = {"medium": "email", "address": "alice@example.org", "mxid": "@alice:a.test", "invites": []}
    assert ok(town, v1("3pid", "onbind"), method="PUT", body=body) == {}


def test_where_a_server_is(tmp_path: Path) -> None:
    with town_of(
        tmp_path, server=Server(data_directory=str(tmp_path), signing_key=str(tmp_path / "key"), federation_address="elsewhere.test:443")
    ) as town:
        assert asked(town, "/.well-known/matrix/server") == {"m.server": "elsewhere.test:443"}
