"""Locking, suspending, looking who somebody is."""

from typing import Any

import pytest

from tests.support.accounts import People, make_people
from tests.support.client import Client, run

V1, V3 = "/_matrix/client/v1", "/_matrix/client/v3"
WHOAMI = f"{V3}/account/whoami"


@pytest.fixture
def people() -> People:
    return make_people()


@pytest.fixture
def admin(people: People) -> Client:
    return people.user("admin", is_admin=True)


@pytest.fixture
def alice(people: People) -> Client:
    return people.user("alice")


def refused(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["errcode"]


class TestLocking:
    def test_nothing_but_logging_out_is_left(self, admin: Client, alice: Client) -> None:
        lock = f"{V1}/admin/lock/@alice:test"
        assert run(admin.get(lock)) == (200, {"locked": False})
        assert run(admin.put(lock, {"locked": True})) == (200, {"locked": True})
        assert run(admin.get(lock)) == (200, {"locked": True})
        status, body = run(alice.get(WHOAMI))
        assert (status, body["errcode"], body["soft_logout"]) == (401, "M_USER_LOCKED", True)
        login = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "alice"}, "password": "secret"}
        assert refused(run(alice.with_token(None).post(f"{V3}/login", login))) == (401, "M_USER_LOCKED")
        assert run(admin.put(lock, {"locked": False})) == (200, {"locked": False})
        assert run(alice.get(WHOAMI))[0] == 200  # with the token it had
        run(admin.put(lock, {"locked": True}))
        assert run(alice.post(f"{V3}/logout"))[0] == 200
        assert refused(run(alice.get(WHOAMI))) == (401, "M_UNKNOWN_TOKEN")


@pytest.mark.parametrize(("what", "state"), [("lock", "locked"), ("suspend", "suspended")])
class TestWhoMay:
    def test_administrators_alone_and_before_anything_is_looked_up(self, what: str, state: str, alice: Client) -> None:
        for name in ("@bob:test", "@nobody:test", "@far:elsewhere"):
            assert refused(run(alice.get(f"{V1}/admin/{what}/{name}"))) == (403, "M_FORBIDDEN")
            assert refused(run(alice.put(f"{V1}/admin/{what}/{name}", {state: True}))) == (403, "M_FORBIDDEN")

    def test_neither_oneself_nor_each_other(self, what: str, state: str, people: People, admin: Client) -> None:
        people.user("other", is_admin=True)
        assert refused(run(admin.put(f"{V1}/admin/{what}/@admin:test", {state: True}))) == (403, "M_FORBIDDEN")
        assert refused(run(admin.put(f"{V1}/admin/{what}/@other:test", {state: True}))) == (403, "M_FORBIDDEN")
        assert refused(run(admin.get(f"{V1}/admin/{what}/@other:test"))) == (403, "M_FORBIDDEN")

    def test_accounts_there_are(self, what: str, state: str, people: People, admin: Client, alice: Client) -> None:
        assert refused(run(admin.get(f"{V1}/admin/{what}/@nobody:test"))) == (404, "M_NOT_FOUND")
        assert refused(run(admin.put(f"{V1}/admin/{what}/@far:elsewhere", {state: True}))) == (400, "M_INVALID_PARAM")
        run(people.deactivation.deactivate("@alice:test", erase=False))
        assert refused(run(admin.put(f"{V1}/admin/{what}/@alice:test", {state: True}))) == (404, "M_NOT_FOUND")

    def test_the_body(self, what: str, state: str, admin: Client, alice: Client) -> None:
        assert refused(run(admin.put(f"{V1}/admin/{what}/@alice:test", {}))) == (400, "M_MISSING_PARAM")
        assert refused(run(admin.put(f"{V1}/admin/{what}/@alice:test", {state: 1}))) == (400, "M_BAD_JSON")


def test_suspending(admin: Client, alice: Client) -> None:
    """What the suspended may do is told with what they do."""
    suspend = f"{V1}/admin/suspend/@alice:test"
    assert run(admin.put(suspend, {"suspended": True})) == (200, {"suspended": True})
    assert run(admin.get(suspend)) == (200, {"suspended": True})
    assert run(alice.get(WHOAMI))[0] == 200
    login = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "alice"}, "password": "secret"}
    assert run(alice.with_token(None).post(f"{V3}/login", login))[0] == 200


def test_the_capability(admin: Client, alice: Client) -> None:
    assert run(admin.get(f"{V3}/capabilities"))[1]["capabilities"]["m.account_moderation"] == {"lock": True, "suspend": True}
    assert "m.account_moderation" not in run(alice.get(f"{V3}/capabilities"))[1]["capabilities"]


class TestWhois:
    def test_by_administrators_and_oneself(self, admin: Client, alice: Client) -> None:
        alice.headers["user-agent"] = "Teapot/1"
        device_id = run(alice.get(WHOAMI))[1]["device_id"]
        for client in (admin, alice):
            status, answer = run(client.get(f"{V3}/admin/whois/@alice:test"))
            assert (status, answer["user_id"], list(answer["devices"])) == (200, "@alice:test", [device_id])
            connection = answer["devices"][device_id]["sessions"][0]["connections"][0]
            assert (connection["ip"], connection["user_agent"]) == ("192.0.2.1", "Teapot/1")
            assert connection["last_seen"] > 0

    def test_a_device_that_was_never_seen(self, people: People, admin: Client, alice: Client) -> None:
        found = run(admin.get(f"{V3}/admin/whois/@alice:test"))[1]["devices"]
        assert [device["sessions"] for device in found.values()] == [[]]

    def test_errors(self, admin: Client, alice: Client) -> None:
        assert refused(run(alice.get(f"{V3}/admin/whois/@admin:test"))) == (403, "M_FORBIDDEN")
        assert refused(run(admin.get(f"{V3}/admin/whois/@nobody:test"))) == (404, "M_NOT_FOUND")
        assert refused(run(admin.get(f"{V3}/admin/whois/@far:elsewhere"))) == (400, "M_INVALID_PARAM")


def test_logins_that_are_not_offered(people: People) -> None:
    client = people.client
    assert refused(run(client.get(f"{V1}/auth_metadata"))) == (404, "M_UNRECOGNIZED")
    assert refused(run(client.get("/_matrix/client/unstable/org.matrix.msc2965/auth_metadata"))) == (404, "M_UNRECOGNIZED")
    there = {"redirectUrl": "https://client.example.org/"}
    assert refused(run(client.get(f"{V3}/login/sso/redirect", there))) == (404, "M_NOT_FOUND")
    assert refused(run(client.get(f"{V3}/login/sso/redirect/oidc-example", there))) == (404, "M_NOT_FOUND")
    assert refused(run(client.get(f"{V3}/login/sso/redirect"))) == (400, "M_MISSING_PARAM")
