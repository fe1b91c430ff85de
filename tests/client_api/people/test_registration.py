"""Registration: users, guests, application services, registration tokens, terms."""

from typing import Any

import pytest

from config.accounts import Passwords, Registration, Terms
from tests.client_api.people.test_login import Bridge, whoami
from tests.support.accounts import People, make_people
from tests.support.client import run

REGISTER = "/_matrix/client/v3/register"
DUMMY = {"type": "m.login.dummy"}
PRIVACY = Terms("privacy_policy", "1.2", "Privacy policy", "https://example.org/privacy")
PRIVACY_DE = Terms("privacy_policy", "1.2", "Datenschutz", "https://example.org/datenschutz", "de")


@pytest.fixture
def people() -> People:
    return make_people()


def with_tokens(*terms: Terms) -> People:
    return make_people(registration=Registration(enabled=True, requires_token=True, terms=terms))


def wish(username: str | None = "alice", **more: Any) -> dict[str, Any]:
    return {"username": username, "password": "secret", **more}


class TestFlow:
    def test_begins_with_a_challenge(self, people: People) -> None:
        status, body = people.post(REGISTER, {})
        assert status == 401
        assert body["flows"] == [{"stages": ["m.login.dummy"]}]
        assert body["params"] == {}
        assert body["session"]
        assert "errcode" not in body

    def test_an_empty_body_counts_as_none(self, people: People) -> None:
        assert run(people.client.json("POST", REGISTER, b""))[0] == 401

    def test_with_a_session(self, people: People) -> None:
        _, challenge = people.post(REGISTER, wish())
        status, body = people.post(REGISTER, wish(auth={**DUMMY, "session": challenge["session"]}))
        assert status == 200
        assert body["user_id"] == "@alice:test"
        assert whoami(people, body["access_token"])[1] == {"user_id": "@alice:test", "device_id": body["device_id"], "is_guest": False}
        assert people.count("SELECT count(*) FROM auth_sessions") == 0

    def test_in_one_request(self, people: People) -> None:
        assert people.post(REGISTER, wish(auth=DUMMY))[0] == 200
        assert people.count("SELECT count(*) FROM auth_sessions") == 0

    def test_the_wish_may_come_after_the_session(self, people: People) -> None:
        session = people.post(REGISTER, {})[1]["session"]
        assert people.post(REGISTER, wish(auth={**DUMMY, "session": session}))[0] == 200

    def test_a_session_is_good_for_one_account(self, people: People) -> None:
        session = people.post(REGISTER, {})[1]["session"]
        assert people.post(REGISTER, wish("one", auth={**DUMMY, "session": session}))[0] == 200
        status, body = people.post(REGISTER, wish("two", auth={**DUMMY, "session": session}))
        assert status == 401
        assert body["session"] != session

    def test_an_expired_session_begins_anew(self, people: People) -> None:
        session = people.post(REGISTER, {})[1]["session"]
        people.clock.advance(901)
        status, body = people.post(REGISTER, wish(auth={**DUMMY, "session": session}))
        assert (status, body["errcode"]) == (401, "M_FORBIDDEN")
        assert people.count("SELECT count(*) FROM auth_sessions") == 1, "the old one is forgotten"

    def test_passwords_are_not_kept_in_the_session(self, people: People) -> None:
        people.post(REGISTER, wish(password="marked-secret", device_id="PHONE"))

        async def rows() -> list[Any]:
            return await people.database.read(lambda cursor: cursor.all("SELECT * FROM auth_sessions"))

        text = repr(run(rows()))
        assert "marked-secret" not in text
        assert "PHONE" in text

    def test_unknown_stage(self, people: People) -> None:
        status, body = people.post(REGISTER, wish(auth={"type": "m.login.recaptcha"}))
        assert (status, body["errcode"], body["completed"]) == (401, "M_FORBIDDEN", [])

    def test_password_stage_is_nothing_for_strangers(self, people: People) -> None:
        people.user("bob")
        auth = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "bob"}, "password": "secret"}
        assert people.post(REGISTER, wish(auth=auth))[0] == 401

    @pytest.mark.parametrize("auth", ["text", [], {"session": 1, **DUMMY}, {"type": 7}])
    def test_malformed_auth(self, people: People, auth: Any) -> None:
        status, body = people.post(REGISTER, wish(auth=auth))
        assert (status, body["errcode"]) == (400, "M_BAD_JSON")

    def test_password_is_required_at_last(self, people: People) -> None:
        status, body = people.post(REGISTER, {"username": "alice", "auth": DUMMY})
        assert (status, body["errcode"]) == (400, "M_MISSING_PARAM")


class TestWish:
    def test_device_and_its_name(self, people: People) -> None:
        _, body = people.post(REGISTER, wish(auth=DUMMY, device_id="PHONE", initial_device_display_name="My phone"))
        assert body["device_id"] == "PHONE"
        device = run(people.client.with_token(body["access_token"]).get("/_matrix/client/v3/devices/PHONE"))[1]
        assert device["display_name"] == "My phone"

    def test_inhibit_login(self, people: People) -> None:
        _, body = people.post(REGISTER, wish(auth=DUMMY, inhibit_login=True))
        assert body == {"user_id": "@alice:test", "home_server": "test"}
        assert people.count("SELECT count(*) FROM devices") == 0

    def test_refresh_token(self, people: People) -> None:
        _, body = people.post(REGISTER, wish(auth=DUMMY, refresh_token=True))
        assert body["expires_in_ms"] == 300_000
        assert people.post("/_matrix/client/v3/refresh", {"refresh_token": body["refresh_token"]})[0] == 200

    def test_capitals_become_small(self, people: People) -> None:
        assert people.post(REGISTER, wish("User-UPPER", auth=DUMMY))[1]["user_id"] == "@user-upper:test"

    def test_without_a_name_one_is_made(self, people: People) -> None:
        first = people.post(REGISTER, {"password": "secret", "auth": DUMMY})[1]["user_id"]
        second = people.post(REGISTER, {"username": None, "password": "secret", "auth": DUMMY})[1]["user_id"]
        assert first != second
        assert first[1:].partition(":")[0].isdigit()

    def test_display_name_is_the_localpart(self, people: People) -> None:
        people.post(REGISTER, wish(auth=DUMMY))
        assert people.count("SELECT count(*) FROM profiles WHERE user_id = '@alice:test' AND field = 'displayname'") == 1

    def test_non_ascii_password(self, people: People) -> None:
        people.post(REGISTER, wish(password="übers3kr1t", auth=DUMMY))
        login = {"type": "m.login.password", "user": "alice", "password": "übers3kr1t"}
        assert people.post("/_matrix/client/v3/login", login)[0] == 200

    @pytest.mark.parametrize("character", "!\":?\\@[]{|}£é\n'\0 ,")
    def test_bad_characters(self, people: People, character: str) -> None:
        status, body = people.post(REGISTER, wish(f"user-{character}-no", auth=DUMMY))
        assert (status, body["errcode"]) == (400, "M_INVALID_USERNAME")

    @pytest.mark.parametrize("character", "q3._=-/+")
    def test_good_characters(self, people: People, character: str) -> None:
        assert people.post(REGISTER, wish(f"user{character}", auth=DUMMY))[0] == 200

    @pytest.mark.parametrize("name", ["", "_irc_bob", "x" * 250, "@alice:test"])
    def test_bad_names(self, people: People, name: str) -> None:
        assert people.post(REGISTER, wish(name))[1]["errcode"] == "M_INVALID_USERNAME"

    def test_taken_is_told_before_any_auth(self, people: People) -> None:
        people.user("alice")
        status, body = people.post(REGISTER, wish())
        assert (status, body["errcode"]) == (400, "M_USER_IN_USE")

    def test_deactivated_names_stay_taken(self, people: People) -> None:
        people.user("alice")
        run(people.deactivation.deactivate("@alice:test", erase=True))
        assert people.post(REGISTER, wish())[1]["errcode"] == "M_USER_IN_USE"

    def test_weak_and_too_long_passwords_before_any_auth(self) -> None:
        people = make_people(passwords=Passwords(memory_kib=8, iterations=1))
        assert people.post(REGISTER, wish(password="short"))[1]["errcode"] == "M_WEAK_PASSWORD"
        assert people.post(REGISTER, wish(password="x" * 600))[1]["errcode"] == "M_INVALID_PARAM"

    @pytest.mark.parametrize(
        "field, value", [("username", 1), ("password", []), ("inhibit_login", "yes"), ("refresh_token", 1), ("device_id", {})]
    )
    def test_wrong_types(self, people: People, field: str, value: Any) -> None:
        status, body = people.post(REGISTER, wish(**{field: value}) if field != "username" else {"username": value})
        assert (status, body["errcode"]) == (400, "M_BAD_JSON")

    def test_unknown_kind(self, people: People) -> None:
        assert people.post(REGISTER, {}, {"kind": "robot"})[1]["errcode"] == "M_INVALID_PARAM"


class TestClosed:
    def test_everything_is_refused(self) -> None:
        people = make_people(registration=Registration(enabled=False))
        for status, body in (
            people.post(REGISTER, wish(auth=DUMMY)),
            people.post(REGISTER, {}, {"kind": "guest"}),
            run(people.client.get(f"{REGISTER}/available", {"username": "alice"})),
            run(people.client.get("/_matrix/client/v1/register/m.login.registration_token/validity", {"token": "x"})),
        ):
            assert (status, body["errcode"]) == (403, "M_FORBIDDEN")


class TestAvailable:
    def ask(self, people: People, name: str | None) -> tuple[int, Any]:
        return run(people.client.get(f"{REGISTER}/available", {"username": name}))

    def test_verdicts(self) -> None:
        people = make_people(names=Bridge())
        people.user("alice")
        assert self.ask(people, "bob") == (200, {"available": True})
        assert self.ask(people, "alice")[1]["errcode"] == "M_USER_IN_USE"
        assert self.ask(people, "ALICE")[1]["errcode"] == "M_USER_IN_USE"
        assert self.ask(people, "a,b")[1]["errcode"] == "M_INVALID_USERNAME"
        assert self.ask(people, None)[1]["errcode"] == "M_MISSING_PARAM"


class TestGuests:
    def guest(self, people: People, **body: Any) -> dict[str, Any]:
        status, answer = people.post(REGISTER, body, {"kind": "guest"})
        assert status == 200
        assert isinstance(answer, dict)
        return answer

    def test_need_no_auth_and_keep_nothing_but_the_device_name(self, people: People) -> None:
        body = self.guest(people, username="alice", device_id="PHONE", initial_device_display_name="Tab", refresh_token=True)
        assert body["user_id"] != "@alice:test"
        assert body["device_id"] != "PHONE"
        assert "refresh_token" not in body
        assert whoami(people, body["access_token"])[1]["is_guest"] is True
        devices = run(people.client.with_token(body["access_token"]).get("/_matrix/client/v3/devices"))[1]["devices"]
        assert devices[0]["display_name"] == "Tab"

    def test_may_not_do_what_users_may(self, people: People) -> None:
        guest = people.client.with_token(self.guest(people)["access_token"])
        assert run(guest.post("/_matrix/client/v3/delete_devices", {"devices": []}))[1]["errcode"] == "M_GUEST_ACCESS_FORBIDDEN"

    def test_become_users(self, people: People) -> None:
        guest = self.guest(people)
        name = guest["user_id"][1:].partition(":")[0]
        upgrade = wish(name, guest_access_token=guest["access_token"])
        session = people.post(REGISTER, upgrade)[1]["session"]
        status, body = people.post(REGISTER, {**upgrade, "auth": {**DUMMY, "session": session}})
        assert (status, body["user_id"]) == (200, guest["user_id"])
        assert whoami(people, body["access_token"])[1]["is_guest"] is False
        assert whoami(people, guest["access_token"])[0] == 401
        login = {"type": "m.login.password", "user": name, "password": "secret"}
        assert people.post("/_matrix/client/v3/login", login)[0] == 200

    def test_become_users_only_by_their_own_token_and_name(self, people: People) -> None:
        guest = self.guest(people)
        alice = people.user("alice")
        assert people.post(REGISTER, wish("other", guest_access_token=guest["access_token"]))[1]["errcode"] == "M_INVALID_USERNAME"
        assert people.post(REGISTER, wish(None, guest_access_token=guest["access_token"]))[1]["errcode"] == "M_MISSING_PARAM"
        assert people.post(REGISTER, wish("alice", guest_access_token=alice.token))[1]["errcode"] == "M_FORBIDDEN"
        assert people.post(REGISTER, wish("alice", guest_access_token="nonsense"))[1]["errcode"] == "M_FORBIDDEN"


class TestAppservice:
    @pytest.fixture
    def bridged(self) -> People:
        bridge = Bridge()
        return make_people(names=bridge, appservices=bridge, registration=Registration(enabled=False))

    def register(self, people: People, username: str | None, token: str | None = Bridge.token, **more: Any) -> tuple[int, Any]:
        body = {"type": "m.login.application_service", "username": username, **more}
        return run(people.client.with_token(token).post(REGISTER, body))

    def test_makes_users_even_where_registration_is_closed(self, bridged: People) -> None:
        status, body = self.register(bridged, "_irc_bob")
        assert (status, body["user_id"]) == (200, "@_irc_bob:test")
        assert whoami(bridged, body["access_token"])[0] == 200
        assert self.register(bridged, "_irc_bob")[1]["errcode"] == "M_USER_IN_USE"

    def test_within_its_namespace(self, bridged: People) -> None:
        assert self.register(bridged, "alice")[1]["errcode"] == "M_EXCLUSIVE"
        assert self.register(bridged, None)[1]["errcode"] == "M_MISSING_PARAM"

    def test_by_its_own_token(self, bridged: People) -> None:
        assert self.register(bridged, "_irc_bob", None)[1]["errcode"] == "M_MISSING_TOKEN"
        assert self.register(bridged, "_irc_bob", "nonsense")[1]["errcode"] == "M_UNKNOWN_TOKEN"
        assert self.register(bridged, "_irc_bob", bridged.user("alice").token)[1]["errcode"] == "M_UNKNOWN_TOKEN"

    def test_people_stay_out_of_it(self) -> None:
        class Loose(Bridge):
            def is_exclusive(self, user_id: str) -> bool:
                return user_id.startswith("@irc_")

        people = make_people(names=Loose())
        assert people.post(REGISTER, wish("irc_bob"))[1]["errcode"] == "M_EXCLUSIVE"


def test_two_at_once_give_one_account(people: People) -> None:
    first = people.post(REGISTER, wish(auth=DUMMY))
    second = people.post(REGISTER, wish(auth=DUMMY))
    assert first[0] == 200
    assert (second[0], second[1]["errcode"]) == (400, "M_USER_IN_USE")
