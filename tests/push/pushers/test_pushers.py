"""What people set up: pushers, and what ends them."""

from pathlib import Path
from typing import Any

import pytest

from config.outgoing import Outgoing
from tests.push.pushers.gateway import URL
from tests.push.pushers.house import V3, House, pusher
from tests.support.client import Client


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def refused(house: House, client: Client, body: dict[str, Any]) -> str:
    status, answer = house.server.run(client.post(f"{V3}/pushers/set", body))
    assert status == 400
    return str(answer["errcode"])


def test_set_listed_changed_and_removed(house: House) -> None:
    alice = house.server.user("alice")
    house.push(alice, profile_tag="tag")
    described = pusher(profile_tag="tag")
    assert house.pushers(alice) == [described]
    house.push(alice, lang="de")
    assert [found["lang"] for found in house.pushers(alice)] == ["de"]
    house.push(alice, "other")
    assert len(house.pushers(alice)) == 2
    house.ok(alice.post(f"{V3}/pushers/set", {"kind": None, "app_id": "org.example.app", "pushkey": "key"}))
    assert [found["pushkey"] for found in house.pushers(alice)] == ["other"]


@pytest.mark.parametrize(
    ("more", "errcode"),
    [
        ({"lang": None}, "M_MISSING_PARAM"),
        ({"data": None}, "M_MISSING_PARAM"),
        ({"data": {}}, "M_MISSING_PARAM"),
        ({"kind": "pigeon"}, "M_INVALID_PARAM"),
        ({"kind": "email", "app_id": "m.email"}, "M_INVALID_PARAM"),
        ({"app_id": "a" * 65}, "M_INVALID_PARAM"),
        ({"pushkey": "a" * 513}, "M_INVALID_PARAM"),
        *(
            ({"data": {"url": url}}, "M_INVALID_PARAM")
            for url in (
                URL.replace("https", "http"),
                URL + "/more",
                URL + "#part",
                URL.replace("push.", "user:password@push."),
                "https:///_matrix/push/v1/notify",
                "https://push.example.org:99999/_matrix/push/v1/notify",
                "https://pu sh/_matrix/push/v1/notify",
                "https://[/_matrix/push/v1/notify",
                "nonsense",
            )
        ),
        ({"data": {"url": URL, "format": "everything"}}, "M_INVALID_PARAM"),
    ],
)
def test_what_is_no_pusher(house: House, more: dict[str, Any], errcode: str) -> None:
    alice = house.server.user("alice")
    found = refused(house, alice, {**pusher(), **more})
    assert found == errcode or (errcode == "M_INVALID_PARAM" and found == "M_BAD_JSON")


def test_gateways_in_ones_own_network(tmp_path: Path) -> None:
    house = House(tmp_path, outgoing=Outgoing(private_addresses=True))
    house.push(house.server.user("alice"), data={"url": URL.replace("https", "http")})


def test_another_user_takes_the_key_over(house: House) -> None:
    alice, bob = house.server.user("alice"), house.server.user("bob")
    house.push(alice)
    house.push(bob, append=True)
    assert len(house.pushers(alice)) == 1
    house.push(bob)
    assert house.pushers(alice) == []
    assert len(house.pushers(bob)) == 1


def test_not_without_end(house: House) -> None:
    alice = house.server.user("alice")
    for number in range(100):
        house.push(alice, str(number))
    assert refused(house, alice, pusher("one more")) == "M_INVALID_PARAM"
    house.push(alice, "7", lang="de")


def log_in(house: House, name: str) -> Client:
    body = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": name}, "password": "secret secret"}
    return house.server.client.with_token(house.ok(house.server.client.post(f"{V3}/login", body))["access_token"])


def test_they_go_with_their_device(house: House) -> None:
    alice = house.server.user("alice")
    tablet = log_in(house, "alice")
    house.push(alice, "telephone")
    house.push(tablet, "tablet")
    house.ok(tablet.post(f"{V3}/logout"))
    assert [found["pushkey"] for found in house.pushers(alice)] == ["telephone"]


def test_those_of_other_devices_go_with_the_password(house: House) -> None:
    alice = house.server.user("alice")
    house.push(alice, "telephone")
    house.push(log_in(house, "alice"), "tablet")
    _, asked = house.server.run(alice.post(f"{V3}/account/password", {"new_password": "another one"}))
    auth = {"type": "m.login.password", "session": asked["session"], "password": "secret secret"}
    house.ok(alice.post(f"{V3}/account/password", {"new_password": "another one", "auth": auth}))
    assert [found["pushkey"] for found in house.pushers(alice)] == ["telephone"]
