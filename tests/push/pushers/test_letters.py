"""Letters about unread messages: gathered, left out when read, not too often, and ended by a link."""

import re
from pathlib import Path
from typing import Any

import pytest

from config.server import Server as ServerSettings
from tests.push.pushers.house import V3, House, pusher
from tests.support.client import Client
from tests.support.mail import SETTINGS, Letters, link_of
from tests.support.server import NAME

ADDRESS = "bob@example.org"


@pytest.fixture
def letters() -> Letters:
    return Letters()


@pytest.fixture
def house(tmp_path: Path, letters: Letters) -> House:
    server = ServerSettings(
        name=NAME, data_directory=str(tmp_path), signing_key=str(tmp_path / "signing.key"), public_base_url="https://chat.test"
    )
    return House(tmp_path, server=server, mail=SETTINGS, postman=letters)


@pytest.fixture
def people(house: House, letters: Letters) -> tuple[Client, Client, str]:
    """Bob gets letters."""
    alice, bob, room = house.friends()
    sid = house.ok(bob.post(f"{V3}/account/3pid/email/requestToken", {"client_secret": "s", "email": ADDRESS, "send_attempt": 1}))["sid"]
    house.server.run(house.server.client.call("POST", link_of(letters.sent[-1])))
    _, asked = house.server.run(bob.post(f"{V3}/account/3pid/add", {"client_secret": "s", "sid": sid}))
    auth = {"type": "m.login.password", "session": asked["session"], "password": "secret secret"}
    house.ok(bob.post(f"{V3}/account/3pid/add", {"client_secret": "s", "sid": sid, "auth": auth}))
    house.ok(bob.post(f"{V3}/pushers/set", email()))
    letters.sent.clear()
    return alice, bob, room


def email(**more: Any) -> dict[str, Any]:
    return {**pusher(ADDRESS, kind="email", app_id="m.email", data={}), **more}


def test_what_is_unread_after_a_while_is_told(house: House, letters: Letters, people: tuple[Client, Client, str]) -> None:
    alice, _, room = people
    house.say(alice, room, "one <b>\r\nBcc: x@example.org")
    house.wait(300)
    house.say(alice, room, "two")
    assert letters.sent == []
    house.wait(301)
    (letter,) = letters.sent
    assert (letter.to, letter.subject) == (ADDRESS, "2 unread messages at test")
    assert "Tea\n" in letter.text
    assert "alice: one <b> Bcc: x@example.org\n" in letter.text
    assert "<strong>alice</strong> one &lt;b&gt;" in letter.html
    assert "two" in letter.html


def test_what_was_read_is_not(house: House, letters: Letters, people: tuple[Client, Client, str]) -> None:
    alice, bob, room = people
    first = house.say(alice, room, "read")
    house.say(alice, room, "not read")
    house.read(bob, room, first)
    house.wait(700)
    (letter,) = letters.sent
    assert "not read" in letter.text
    assert "alice: read" not in letter.text
    house.wait(4000)
    house.read(bob, room, house.say(alice, room, "more"))
    house.wait(4000)
    assert len(letters.sent) == 1


def test_not_too_often(house: House, letters: Letters, people: tuple[Client, Client, str]) -> None:
    alice, _, room = people
    house.say(alice, room)
    house.wait(650)
    house.say(alice, room)
    house.wait(650)
    assert len(letters.sent) == 1
    house.wait(3600)
    assert len(letters.sent) == 2


def test_a_letter_that_was_not_taken_is_written_again(house: House, letters: Letters, people: tuple[Client, Client, str]) -> None:
    alice, _, room = people
    letters.broken = True
    house.say(alice, room)
    house.wait(700)
    letters.broken = False
    house.wait(2000)
    assert len(letters.sent) == 1


def test_what_does_not_fit_into_a_letter(house: House, letters: Letters, people: tuple[Client, Client, str]) -> None:
    alice, _, room = people
    house.ok(alice.put(f"{V3}/rooms/{room}/send/m.room.encrypted/1", {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "x"}))
    secret = house.say(alice, room, "gone")
    house.say(alice, room, "x" * 1000)
    house.ok(alice.put(f"{V3}/rooms/{room}/redact/{secret}/1", {}))
    house.room(alice, name="Private", preset="private_chat", invite=["@bob:test"])
    house.wait(700)
    (letter,) = letters.sent
    assert "alice: sent an encrypted message" in letter.text
    assert "gone" not in letter.text
    assert "x" * 301 not in letter.text
    assert "Private\n  alice: invited you" in letter.text


def test_the_link_asks_and_ends(house: House, letters: Letters, people: tuple[Client, Client, str]) -> None:
    alice, bob, room = people
    house.say(alice, room)
    house.wait(700)
    link = letters.sent[0].unsubscribe
    assert link is not None
    assert re.search(re.escape(link), letters.sent[0].text)
    path = link.removeprefix("https://chat.test")
    page = house.server.run(house.server.client.call("GET", path))
    assert b"bob@example.org" in page.body
    assert len(house.pushers(bob)) == 1
    house.server.run(house.server.client.call("POST", path, b"List-Unsubscribe=One-Click"))
    assert house.pushers(bob) == []
    assert house.server.run(house.server.client.call("GET", path)).status == 200


def test_only_to_ones_own_address(house: House, people: tuple[Client, Client, str]) -> None:
    alice, bob, _ = people
    for body in (email(), email(pushkey="other@example.org")):
        status, answer = house.server.run(alice.post(f"{V3}/pushers/set", body))
        assert (status, answer["errcode"]) == (400, "M_THREEPID_NOT_FOUND")
    house.ok(bob.post(f"{V3}/account/3pid/delete", {"medium": "email", "address": ADDRESS}))
    assert house.pushers(bob) == []
