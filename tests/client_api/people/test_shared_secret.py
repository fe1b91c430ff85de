"""Registration by tools that know the shared secret."""

import hmac
from typing import Any

import pytest

from config.accounts import Registration
from tests.client_api.people.test_login import whoami
from tests.support.accounts import SECRET, People, make_people
from tests.support.client import run

PATH = "/_synapse/admin/v1/register"


@pytest.fixture
def people() -> People:
    return make_people()


def sign(*parts: str, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), "\0".join(parts).encode(), "sha1").hexdigest()


def nonce(people: People) -> str:
    status, body = run(people.client.get(PATH))
    assert status == 200
    return str(body["nonce"])


def register(people: People, name: str = "bob", admin: bool = False, **more: Any) -> tuple[int, Any]:
    given = nonce(people)
    parts = [given, name, "secret", "admin" if admin else "notadmin"]
    if more.get("user_type"):
        parts.append(more["user_type"])
    body = {"nonce": given, "username": name, "password": "secret", "admin": admin, "mac": sign(*parts), **more}
    return people.post(PATH, body)


def test_makes_a_user_with_a_device(people: People) -> None:
    status, body = register(people)
    assert status == 200
    assert body["user_id"] == "@bob:test"
    assert body["home_server"] == "test"
    assert whoami(people, body["access_token"])[1]["device_id"] == body["device_id"]
    assert not run(people.accounts.is_admin("@bob:test"))


def test_makes_administrators(people: People) -> None:
    register(people, admin=True)
    assert run(people.accounts.is_admin("@bob:test"))


def test_options(people: People) -> None:
    _, body = register(people, user_type="bot", displayname="Bob the bot", inhibit_login=True)
    assert "access_token" not in body
    account = run(people.accounts.find("@bob:test"))
    assert account is not None
    assert account.user_type == "bot"
    assert people.count("""SELECT count(*) FROM profiles WHERE value = ?""", b'"Bob the bot"') == 1
    assert register(people, "eve", user_type="queen")[1]["errcode"] == "M_INVALID_PARAM"
    assert "refresh_token" in register(people, "eve", refresh_token=True)[1]


def test_names(people: People) -> None:
    assert register(people, "us,er")[1]["errcode"] == "M_INVALID_USERNAME"
    assert register(people, "User-UPPER")[1]["user_id"] == "@user-upper:test"
    assert register(people, "user-upper")[1]["errcode"] == "M_USER_IN_USE"
    assert register(people, "_reserved")[0] == 200


@pytest.mark.parametrize(
    "change", [{"mac": "0" * 40}, {"mac": "é"}, {"mac": ""}, {"password": "other"}, {"username": "eve"}, {"admin": True}]
)
def test_what_was_not_signed_is_refused(people: People, change: dict[str, Any]) -> None:
    given = nonce(people)
    body = {"nonce": given, "username": "bob", "password": "secret", "mac": sign(given, "bob", "secret", "notadmin"), **change}
    status, answer = people.post(PATH, body)
    assert (status, answer["errcode"]) == (403, "M_FORBIDDEN")


def test_another_secret_is_refused(people: People) -> None:
    given = nonce(people)
    mac = sign(given, "bob", "secret", "notadmin", secret="guess")
    assert people.post(PATH, {"nonce": given, "username": "bob", "password": "secret", "mac": mac})[0] == 403


def test_a_nonce_is_ours_fresh_and_used_once(people: People) -> None:
    def post(given: str, name: str) -> int:
        mac = sign(given, name, "secret", "notadmin")
        return people.post(PATH, {"nonce": given, "username": name, "password": "secret", "mac": mac})[0]

    first = nonce(people)
    assert post(first, "one") == 200
    assert post(first, "two") == 400
    old = nonce(people)
    people.clock.advance(61)
    assert post(old, "three") == 400
    for forged in ("", "x", "a.b.c", f"{nonce(people)}0", "é.é.é"):
        assert post(forged, "four") == 400


@pytest.mark.parametrize("missing", ["nonce", "username", "password", "mac"])
def test_missing(people: People, missing: str) -> None:
    body = {"nonce": nonce(people), "username": "bob", "password": "secret", "mac": "x"}
    del body[missing]
    assert people.post(PATH, body)[1]["errcode"] == "M_MISSING_PARAM"


def test_closed_without_a_secret() -> None:
    people = make_people(registration=Registration())
    assert run(people.client.get(PATH))[0] == 400
    assert people.post(PATH, {"nonce": "x", "username": "bob", "password": "secret", "mac": "x"})[0] == 400
