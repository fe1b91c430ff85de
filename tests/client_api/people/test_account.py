"""whoami, password changes, deactivation, third-party identifiers."""

from collections.abc import Mapping
from typing import Any

import pytest

from config.accounts import Passwords
from tests.client_api.people.test_login import LOGIN, REFRESH, WHOAMI, Bridge, confirm, password_login, whoami
from tests.support.accounts import People, make_people
from tests.support.client import Client, run

PASSWORD = "/_matrix/client/v3/account/password"
DEACTIVATE = "/_matrix/client/v3/account/deactivate"


@pytest.fixture
def people() -> People:
    return make_people()


@pytest.fixture
def alice(people: People) -> Client:
    return people.user("alice")


class TestWhoami:
    def test_asks_the_store_once(self, people: People, alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        assert run(alice.get(WHOAMI))[1]["user_id"] == "@alice:test"
        reads: list[object] = []
        monkeypatch.setattr(people.database, "read", reads.append)
        assert run(alice.get(WHOAMI))[0] == 200
        assert reads == []

    def test_errors(self, people: People) -> None:
        assert run(people.client.get(WHOAMI))[1]["errcode"] == "M_MISSING_TOKEN"
        status, body = run(people.client.with_token("nonsense").get(WHOAMI))
        assert (status, body["errcode"], body["soft_logout"]) == (401, "M_UNKNOWN_TOKEN", False)

    def test_in_an_appservice_s_name(self) -> None:
        bridge = Bridge()
        people = make_people(names=bridge, appservices=bridge)
        service = people.client.with_token(Bridge.token)
        assert run(service.get(WHOAMI))[1] == {"user_id": "@irc:test", "is_guest": False}
        assert run(service.get(WHOAMI, {"user_id": "@_irc_bob:test"}))[1]["user_id"] == "@_irc_bob:test"

    def test_locked(self, people: People, alice: Client) -> None:
        run(people.accounts.set_locked("@alice:test", True))
        status, body = run(alice.get(WHOAMI))
        assert (status, body["errcode"], body["soft_logout"]) == (401, "M_USER_LOCKED", True)


class TestPassword:
    def change(self, client: Client, new: str, old: str = "secret", **more: Any) -> tuple[int, Any]:
        return run(client.post(PASSWORD, {"new_password": new, "auth": confirm(old), **more}))

    def test_needs_the_old_one(self, alice: Client) -> None:
        status, body = run(alice.post(PASSWORD, {"new_password": "other"}))
        assert status == 401
        assert body["flows"] == [{"stages": ["m.login.password"]}]
        assert "errcode" not in body
        status, body = self.change(alice, "other", "guess")
        assert (status, body["errcode"]) == (401, "M_FORBIDDEN")
        assert body["session"]

    def test_changes_it_and_ends_other_devices(self, people: People, alice: Client) -> None:
        _, other = people.post(LOGIN, password_login("alice", refresh_token=True))
        assert self.change(alice, "other") == (200, {})
        assert people.post(LOGIN, password_login("alice"))[0] == 403
        assert people.post(LOGIN, password_login("alice", "other"))[0] == 200
        assert run(alice.get(WHOAMI))[0] == 200
        assert whoami(people, other["access_token"])[0] == 401
        assert people.post(REFRESH, {"refresh_token": other["refresh_token"]})[0] == 401

    def test_may_keep_other_devices(self, people: People, alice: Client) -> None:
        _, other = people.post(LOGIN, password_login("alice"))
        assert self.change(alice, "other", logout_devices=False)[0] == 200
        assert whoami(people, other["access_token"])[0] == 200

    def test_ends_login_tokens_that_wait(self, people: People, alice: Client) -> None:
        run(alice.post("/_matrix/client/v1/login/get_token", {"auth": confirm()}))
        self.change(alice, "other")
        assert people.count("SELECT count(*) FROM login_tokens") == 0

    def test_another_user_s_password_is_no_proof(self, people: People, alice: Client) -> None:
        people.user("bob", "bobs")
        auth = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "bob"}, "password": "bobs"}
        status, body = run(alice.post(PASSWORD, {"new_password": "other", "auth": auth}))
        assert (status, body["errcode"]) == (403, "M_FORBIDDEN")

    def test_identifier_in_old_ways_or_none(self, alice: Client) -> None:
        old = {"type": "m.login.password", "user": "@alice:test", "password": "secret"}
        assert run(alice.post(PASSWORD, {"new_password": "two", "auth": old}))[0] == 200
        assert run(alice.post(PASSWORD, {"new_password": "three", "auth": {"type": "m.login.password", "password": "two"}}))[0] == 200
        mail = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.thirdparty", "medium": "email", "address": "a@b.c"},
            "password": "x",
        }
        assert run(alice.post(PASSWORD, {"new_password": "four", "auth": mail}))[0] == 403

    def test_rules_are_told_before_any_auth(self) -> None:
        alice = make_people(passwords=Passwords(memory_kib=8, iterations=1)).user("alice", "long enough")
        assert run(alice.post(PASSWORD, {"new_password": "short"}))[1]["errcode"] == "M_WEAK_PASSWORD"
        assert run(alice.post(PASSWORD, {"new_password": "x" * 513}))[1]["errcode"] == "M_INVALID_PARAM"

    def test_missing_and_malformed(self, people: People, alice: Client) -> None:
        assert run(alice.post(PASSWORD, {}))[1]["errcode"] == "M_MISSING_PARAM"
        assert run(alice.post(PASSWORD, {"auth": confirm()}))[1]["errcode"] == "M_MISSING_PARAM"
        assert run(alice.post(PASSWORD, {"new_password": 1}))[1]["errcode"] == "M_BAD_JSON"
        assert run(alice.post(PASSWORD, {"new_password": "x", "auth": {"type": "m.login.password"}}))[1]["errcode"] == "M_MISSING_PARAM"
        assert people.post(PASSWORD, {"new_password": "x"})[1]["errcode"] == "M_MISSING_TOKEN"

    def test_guesses_end(self, alice: Client) -> None:
        answers = [self.change(alice, "other", "guess")[0] for _ in range(6)]
        assert answers == [401] * 5 + [429]

    def test_not_for_guests(self, people: People) -> None:
        _, guest = people.post("/_matrix/client/v3/register", {}, {"kind": "guest"})
        status, body = run(people.client.with_token(guest["access_token"]).post(PASSWORD, {"new_password": "x"}))
        assert (status, body["errcode"]) == (403, "M_GUEST_ACCESS_FORBIDDEN")


class TestDeactivation:
    def test_needs_the_password(self, people: People, alice: Client) -> None:
        status, body = run(alice.post(DEACTIVATE))
        assert (status, body["flows"]) == (401, [{"stages": ["m.login.password"]}])
        status, body = run(alice.post(DEACTIVATE, {"auth": confirm("guess")}))
        assert (status, body["errcode"]) == (401, "M_FORBIDDEN")
        assert people.post(DEACTIVATE)[1]["errcode"] == "M_MISSING_TOKEN"

    def test_ends_everything(self, people: People, alice: Client) -> None:
        _, other = people.post(LOGIN, password_login("alice", refresh_token=True))
        run(alice.post("/_matrix/client/v1/login/get_token", {"auth": confirm()}))
        assert run(alice.post(DEACTIVATE, {"auth": confirm()})) == (200, {"id_server_unbind_result": "success"})
        assert run(alice.get(WHOAMI))[0] == 401
        assert whoami(people, other["access_token"])[0] == 401
        assert people.post(REFRESH, {"refresh_token": other["refresh_token"]})[0] == 401
        assert people.post(LOGIN, password_login("alice"))[0] == 403
        for table in ("devices", "access_tokens", "refresh_tokens", "login_tokens"):
            assert people.count(f"SELECT count(*) FROM {table}") == 0, table
        assert people.rooms.left == ["@alice:test"]
        assert people.count("SELECT count(*) FROM users WHERE deactivated = 1 AND departing = 0 AND erased = 0") == 1
        assert people.count("SELECT count(*) FROM profiles WHERE user_id = '@alice:test'") == 1

    def test_erasing_takes_profile_and_password_too(self, people: People, alice: Client) -> None:
        assert run(alice.post(DEACTIVATE, {"auth": confirm(), "erase": True}))[0] == 200
        assert people.count("SELECT count(*) FROM profiles WHERE user_id = '@alice:test'") == 0
        assert people.count("SELECT count(*) FROM users WHERE erased = 1 AND password_hash IS NULL") == 1
        assert run(people.accounts.require("@alice:test")).erased

    def test_a_session_confirms_what_it_was_opened_for(self, people: People, alice: Client) -> None:
        session = run(alice.post(DEACTIVATE, {"erase": False}))[1]["session"]
        status, body = run(alice.post(DEACTIVATE, {"erase": True, "auth": {**confirm(), "session": session}}))
        assert (status, body["errcode"]) == (403, "M_FORBIDDEN")
        status, body = run(alice.post(PASSWORD, {"new_password": "x", "auth": {**confirm(), "session": session}}))
        assert (status, body["errcode"]) == (403, "M_FORBIDDEN")
        bob = people.user("bob")
        assert run(bob.post(DEACTIVATE, {"erase": False, "auth": {**confirm(), "session": session}}))[0] == 403
        assert run(alice.post(DEACTIVATE, {"erase": False, "auth": {**confirm(), "session": session}}))[0] == 200

    def test_a_session_brings_its_parameters_back(self, people: People, alice: Client) -> None:
        session = run(alice.post(DEACTIVATE, {"erase": True}))[1]["session"]
        assert run(alice.post(DEACTIVATE, {"auth": {**confirm(), "session": session}}))[0] == 200
        assert run(people.accounts.require("@alice:test")).erased

    def test_appservices_need_no_auth(self) -> None:
        bridge = Bridge()
        people = make_people(names=bridge, appservices=bridge)
        run(people.registration.register_for_appservice("irc", _wish("_irc_bob")))
        service = people.client.with_token(Bridge.token)
        assert run(service.post(DEACTIVATE, {"erase": True}, {"user_id": "@_irc_bob:test"}))[0] == 200
        assert run(people.accounts.require("@_irc_bob:test")).deactivated

    def test_what_was_cut_short_goes_on_after_a_restart(self, people: People, alice: Client) -> None:
        class Broken:
            async def leave_all(self, user_id: str) -> None:
                raise RuntimeError("the server is stopping")

            def hide(self, since: Mapping[str, int]) -> None:
                """Nobody was erased."""

        from homeserver.accounts.deactivate import Deactivation

        run(Deactivation(people.account_store, Broken()).deactivate("@alice:test", erase=False))
        assert people.count("SELECT departing FROM users") == 1
        run(people.deactivation.resume())
        assert people.rooms.left == ["@alice:test"]
        assert people.count("SELECT departing FROM users") == 0


def _wish(name: str) -> Any:
    from homeserver.accounts.register import Wish

    return Wish(name, None, None, None, log_in=False, refreshable=False)


class TestThreepids:
    def test_there_are_none(self, alice: Client) -> None:
        assert run(alice.get("/_matrix/client/v3/account/3pid")) == (200, {"threepids": []})
        assert run(alice.get("/_matrix/client/v3/capabilities"))[1]["capabilities"]["m.3pid_changes"] == {"enabled": False}

    def test_and_none_can_be_added(self, alice: Client) -> None:
        status, body = run(alice.post("/_matrix/client/v3/account/3pid/add", {"client_secret": "x"}))
        assert (status, body["errcode"]) == (403, "M_THREEPID_DENIED")

    def test_without_a_mail_server_no_address_is_proven(self, alice: Client) -> None:
        body = {"client_secret": "x", "email": "a@example.org", "send_attempt": 1}
        status, body = run(alice.post("/_matrix/client/v3/register/email/requestToken", body))
        assert (status, body["errcode"]) == (400, "M_THREEPID_MEDIUM_NOT_SUPPORTED")
