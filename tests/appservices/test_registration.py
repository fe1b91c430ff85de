"""Registrations: what the ecosystem writes is understood, and what is wrong is named by file and key."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from appservices.appservice import Appservice, Appservices
from appservices.errors import BadRegistration
from appservices.registration import read_registrations
from config.federation import AppServices
from homeserver.start_up import CannotStart
from tests.support.server import make_server

OF_THE_SPECIFICATION = """
id: "IRC Bridge"
url: "http://127.0.0.1:1234"
as_token: "30c05ae90a248a4188e620216fa72e349803310ec83e2a77b34fe90be6081f46"
hs_token: "312df522183efd404ec1cd22d2ffa4bbc76a8c1ccf541dd692eef281356bb74e"
sender_localpart: "_irc_bot" # Will result in @_irc_bot:example.org
namespaces:
  users:
    - exclusive: true
      regex: "@_irc_bridge_.*"
  aliases:
    - exclusive: false
      regex: "#_irc_bridge_.*"
  rooms: []
"""
OF_MAUTRIX = r"""
id: telegram
as_token: a
hs_token: b
namespaces:
    users:
    - regex: ^@telegrambot:example\.com$
      exclusive: true
    - regex: ^@telegram_.*:example\.com$
      exclusive: true
url: http://localhost:29317
sender_localpart: WsNfdV6mdF5AKSPnkIMsGTMm6eLPrsYB
rate_limited: false
de.sorunome.msc2409.push_ephemeral: true
receive_ephemeral: true
org.matrix.msc3202: true
io.element.msc4190: true
"""


def read(tmp_path: Path, *texts: str) -> Any:
    files = []
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.yaml").write_text(text)
        files.append(str(tmp_path / f"{number}.yaml"))
    return read_registrations(files)


def test_the_example_of_the_specification(tmp_path: Path) -> None:
    (found,) = read(tmp_path, OF_THE_SPECIFICATION)
    assert (found.id, found.url, found.sender_localpart) == ("IRC Bridge", "http://127.0.0.1:1234", "_irc_bot")
    assert (found.rate_limited, found.receive_ephemeral, found.encrypted, found.protocols) == (True, False, False, ())
    assert [namespace.exclusive for namespace in (*found.users, *found.aliases)] == [True, False]
    assert "30c05" not in repr(found)


def test_one_of_a_bridge_that_encrypts(tmp_path: Path) -> None:
    (found,) = read(tmp_path, OF_MAUTRIX)
    assert (found.rate_limited, found.receive_ephemeral, found.early_ephemeral, found.encrypted) == (False, True, True, True)
    service = Appservice(found, "example.com")
    assert service.owns_user("@telegram_1:example.com")
    assert service.owns_user("@WsNfdV6mdF5AKSPnkIMsGTMm6eLPrsYB:example.com")
    assert not service.owns_user("@telegram_1:example.org")


def test_users_of_other_servers_are_nobody_s(tmp_path: Path) -> None:
    service = Appservice(read(tmp_path, OF_THE_SPECIFICATION)[0], "test")
    assert service.owns_user_alone("@_irc_bridge_x:test")
    assert not service.owns_user("@_irc_bridge_x:elsewhere")
    assert not service.owns_user("@_irc_bridge_x:y:test")
    assert Appservices([service]).owner_of_alias("#_irc_bridge_x:test") is None


def changed(**more: Any) -> str:
    known = yaml.safe_load(OF_THE_SPECIFICATION)
    return yaml.safe_dump({key: value for key, value in {**known, **more}.items() if value is not ...})


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"id": ...}, "id: is missing"),
        ({"id": 5}, "id: must be text"),
        ({"url": ...}, "url: is missing (null: the service wants no requests)"),
        ({"url": "ftp://x"}, "url: must be an address"),
        ({"url": "http://u:p@x"}, "url: must be an address"),
        ({"url": "http://x:99999"}, "url: must be an address"),
        ({"as_token": "a b"}, "as_token: must consist of printable"),
        ({"hs_token": "x\ny"}, "hs_token: must consist of printable"),
        ({"sender_localpart": "@bot:x"}, "sender_localpart: must be the part"),
        ({"sender_localpart": "The Bot"}, "sender_localpart: must be the part"),
        ({"sender_localpart": "böt"}, "sender_localpart: must be the part"),
        ({"namespaces": ...}, "namespaces: is missing"),
        ({"namespaces": ["x"]}, "namespaces: must be a table"),
        ({"namespaces": {"users": "x"}}, "namespaces.users: must be a list"),
        ({"namespaces": {"users": [{"exclusive": True, "regex": "a"}, {}]}}, "namespaces.users[1].regex: is missing"),
        ({"namespaces": {"rooms": [{"exclusive": "yes", "regex": "a"}]}}, "namespaces.rooms[0].exclusive: must be true or false"),
        ({"namespaces": {"aliases": [{"exclusive": True, "regex": "(?!a)"}]}}, "namespaces.aliases[0].regex: it looks ahead or behind"),
        ({"rate_limited": "no"}, "rate_limited: must be true or false"),
        ({"protocols": "irc"}, "protocols: must be a list of names"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, more: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadRegistration) as caught:
        read(tmp_path, changed(**more))
    assert str(caught.value).startswith(f"{tmp_path}/0.yaml: {complaint}")


def test_what_is_no_registration(tmp_path: Path) -> None:
    for text, complaint in (("a: [", "is no valid YAML"), ("- a", "is no registration"), ("!!python/object:x {}", "is no valid YAML")):
        with pytest.raises(BadRegistration, match=complaint):
            read(tmp_path, text)
    with pytest.raises(BadRegistration, match="cannot be read"):
        read_registrations([str(tmp_path / "none.yaml")])


def test_ids_and_tokens_differ(tmp_path: Path) -> None:
    with pytest.raises(BadRegistration, match=r"1\.yaml: id: .*0\.yaml has the same"):
        read(tmp_path, OF_THE_SPECIFICATION, changed(as_token="other"))
    with pytest.raises(BadRegistration, match=r"1\.yaml: as_token: .*0\.yaml has the same"):
        read(tmp_path, OF_THE_SPECIFICATION, changed(id="other"))


def test_no_url_and_no_namespaces(tmp_path: Path) -> None:
    (found,) = read(tmp_path, changed(url=None, namespaces={"users": None}))
    assert (found.url, found.users) == ("", ())


def test_a_server_does_not_start_with_a_wrong_one(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"appservices\.registrations: .*none\.yaml: cannot be read"):
        make_server(tmp_path, appservices=AppServices(registrations=(str(tmp_path / "none.yaml"),)))
