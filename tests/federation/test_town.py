"""Servers that speak to each other in memory: signed requests, keys asked for and kept, servers cut off."""

import pytest

from federation.client import Ask, v1
from federation.errors import BackingOff, NotFederated, RemoteRefused, Unreachable
from homeserver.errors import Unauthorized
from tests.federation.support.town import Town


def test_a_server_is_asked_and_answers(town: Town) -> None:
    client = town["a.test"].federation.reach.client
    assert town.run(client.get("b.test", v1("version")))["server"]["name"] == "ChatMe"
    assert [passed.status for passed in town.network.passed] == [200]


def test_keys_are_asked_for_once(town: Town) -> None:
    keyring = town["b.test"].federation.reach.keyring
    key = town["a.test"].parts.ground.identity.key
    assert town.run(keyring.request_key("a.test", key.key_id)).public_key == key.public_key
    assert town.run(keyring.request_key("a.test", key.key_id)).public_key == key.public_key
    assert [passed.uri for passed in town.network.passed] == ["/_matrix/key/v2/server"]
    with pytest.raises(Unauthorized):
        town.run(keyring.request_key("a.test", "ed25519:other"))


def test_who_does_not_answer_is_left_alone_until_it_shows_itself(town: Town) -> None:
    town.network.take_down("b.test")
    client, outages = town["a.test"].federation.reach.client, town["a.test"].federation.reach.outages
    with pytest.raises(Unreachable):
        town.run(client.get("b.test", v1("version")))
    town.network.bring_up("b.test")
    with pytest.raises(BackingOff):
        town.run(client.get("b.test", v1("version")))
    town.run(client.ask(Ask("GET", "b.test", v1("version"), though_down=True)))
    assert outages.of("b.test") is None
    town.run(client.get("b.test", v1("version")))


def test_errors_are_told_apart(town: Town) -> None:
    client = town["a.test"].federation.reach.client
    with pytest.raises(RemoteRefused) as refused:
        town.run(client.get("b.test", v1("nothing")))
    assert (refused.value.remote_status, refused.value.remote_errcode) == (404, "M_UNRECOGNIZED")
    for name in ("a.test", "no name"):
        with pytest.raises(NotFederated):
            town.run(client.get(name, v1("version")))
