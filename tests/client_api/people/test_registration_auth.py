"""What people prove when they register: registration tokens, terms, pages for clients that know neither."""

from typing import Any, ClassVar

import pytest

from config.accounts import Registration
from tests.client_api.people.test_registration import PRIVACY, PRIVACY_DE, REGISTER, wish, with_tokens
from tests.support.accounts import People, make_people
from tests.support.client import run


@pytest.fixture
def people() -> People:
    return make_people()


class TestRegistrationTokens:
    AUTH: ClassVar = {"type": "m.login.registration_token", "token": "letmein"}

    def validity(self, people: People, token: str) -> bool:
        status, body = run(people.client.get("/_matrix/client/v1/register/m.login.registration_token/validity", {"token": token}))
        assert status == 200
        return bool(body["valid"])

    def test_opens_the_door(self) -> None:
        people = with_tokens()
        run(people.registration_tokens.create("letmein", uses_allowed=1))
        assert people.post(REGISTER, wish())[1]["flows"] == [{"stages": ["m.login.registration_token"]}]
        assert self.validity(people, "letmein")
        assert people.post(REGISTER, wish(auth=self.AUTH))[0] == 200
        assert not self.validity(people, "letmein")
        status, body = people.post(REGISTER, wish("bob", auth=self.AUTH))
        assert (status, body["errcode"]) == (401, "M_FORBIDDEN")

    @pytest.mark.parametrize("auth", [{}, {"token": "other"}, {"token": "with space"}, {"token": "a\0b"}])
    def test_wrong_tokens(self, auth: dict[str, Any]) -> None:
        people = with_tokens()
        status, body = people.post(REGISTER, wish(auth={"type": "m.login.registration_token", **auth}))
        assert (status, body["errcode"]) == ((401, "M_FORBIDDEN") if auth else (400, "M_MISSING_PARAM"))

    def test_expires(self) -> None:
        people = with_tokens()
        run(people.registration_tokens.create("letmein", expires_ts=people.clock.now_ms() + 1000))
        assert self.validity(people, "letmein")
        people.clock.advance(2)
        assert not self.validity(people, "letmein")
        assert people.post(REGISTER, wish(auth=self.AUTH))[0] == 401

    def test_an_open_session_holds_its_use(self) -> None:
        people = with_tokens(PRIVACY)
        run(people.registration_tokens.create("letmein", uses_allowed=1))
        session = people.post(REGISTER, wish())[1]["session"]
        status, body = people.post(REGISTER, wish(auth={**self.AUTH, "session": session}))
        assert (status, body["completed"]) == (401, ["m.login.registration_token"])
        assert not self.validity(people, "letmein")
        assert people.post(REGISTER, wish("bob", auth=self.AUTH))[1]["completed"] == []
        assert people.post(REGISTER, wish(auth={"type": "m.login.terms", "session": session}))[0] == 200
        token = run(people.registration_tokens.find("letmein"))
        assert (token.pending, token.completed) == (0, 1)

    def test_an_abandoned_session_gives_it_back(self) -> None:
        people = with_tokens(PRIVACY)
        run(people.registration_tokens.create("letmein", uses_allowed=1))
        session = people.post(REGISTER, wish())[1]["session"]
        people.post(REGISTER, wish(auth={**self.AUTH, "session": session}))
        people.clock.advance(901)
        people.post(REGISTER, wish())
        assert self.validity(people, "letmein")

    def test_a_token_deleted_meanwhile_opens_nothing(self) -> None:
        people = with_tokens(PRIVACY)
        run(people.registration_tokens.create("letmein"))
        session = people.post(REGISTER, wish())[1]["session"]
        people.post(REGISTER, wish(auth={**self.AUTH, "session": session}))
        run(people.registration_tokens.delete("letmein"))
        assert people.post(REGISTER, wish(auth={"type": "m.login.terms", "session": session}))[0] == 403
        assert people.count("SELECT count(*) FROM users") == 0

    def test_missing_parameter(self) -> None:
        people = with_tokens()
        assert run(people.client.get("/_matrix/client/v1/register/m.login.registration_token/validity"))[1]["errcode"] == "M_MISSING_PARAM"


class TestTerms:
    def test_documents_are_shown_and_the_version_kept(self) -> None:
        people = make_people(registration=Registration(enabled=True, requires_token=False, terms=(PRIVACY, PRIVACY_DE)))
        _, challenge = people.post(REGISTER, wish())
        assert challenge["flows"] == [{"stages": ["m.login.terms"]}]
        assert challenge["params"]["m.login.terms"]["policies"] == {
            "privacy_policy": {
                "version": "1.2",
                "en": {"name": "Privacy policy", "url": "https://example.org/privacy"},
                "de": {"name": "Datenschutz", "url": "https://example.org/datenschutz"},
            }
        }
        assert people.post(REGISTER, wish(auth={"type": "m.login.terms", "session": challenge["session"]}))[0] == 200
        assert people.count("""SELECT count(*) FROM users WHERE terms = '{"privacy_policy":"1.2"}'""") == 1

    def test_stages_go_in_order(self) -> None:
        people = with_tokens(PRIVACY)
        run(people.registration_tokens.create("letmein"))
        _, challenge = people.post(REGISTER, wish())
        assert challenge["flows"] == [{"stages": ["m.login.registration_token", "m.login.terms"]}]
        session = challenge["session"]
        status, body = people.post(REGISTER, wish(auth={"type": "m.login.terms", "session": session}))
        assert (status, body["completed"]) == (401, [])
        _, body = people.post(REGISTER, wish(auth={**TestRegistrationTokens.AUTH, "session": session}))
        assert body["completed"] == ["m.login.registration_token"]
        _, body = people.post(REGISTER, wish(auth={**TestRegistrationTokens.AUTH, "session": session}))
        assert body["completed"] == ["m.login.registration_token"], "a stage that is done is done"
        assert people.post(REGISTER, wish(auth={"type": "m.login.terms", "session": session}))[0] == 200


class TestFallback:
    def page(self, people: People, method: str, stage: str, session: str, form: bytes = b"") -> tuple[int, str]:
        path = f"/_matrix/client/v3/auth/{stage}/fallback/web"
        reply = run(people.client.call(method, path, form, {"session": session}))
        assert reply.content_type.startswith("text/html")
        return reply.status, reply.body.decode()

    def test_terms_and_token_aside(self) -> None:
        people = with_tokens(PRIVACY)
        run(people.registration_tokens.create("letmein"))
        session = people.post(REGISTER, wish())[1]["session"]
        status, html = self.page(people, "GET", "m.login.terms", session)
        assert status == 200
        assert "https://example.org/privacy" in html
        assert "onAuthDone" not in html
        assert "onAuthDone" in self.page(people, "POST", "m.login.terms", session)[1]
        assert self.page(people, "POST", "m.login.registration_token", session, b"token=wrong")[0] == 403
        assert "onAuthDone" in self.page(people, "POST", "m.login.registration_token", session, b"token=letmein")[1]
        assert "onAuthDone" in self.page(people, "GET", "m.login.registration_token", session)[1]
        assert people.post(REGISTER, wish(auth={"session": session}))[0] == 200

    def test_dummy(self, people: People) -> None:
        session = people.post(REGISTER, wish())[1]["session"]
        assert people.post(REGISTER, wish(auth={"session": session}))[0] == 401
        self.page(people, "POST", "m.login.dummy", session)
        assert people.post(REGISTER, wish(auth={"session": session}))[0] == 200

    def test_only_for_running_sessions_and_its_own_stages(self, people: People) -> None:
        session = people.post(REGISTER, wish())[1]["session"]
        assert self.page(people, "GET", "m.login.dummy", "nonsense")[0] == 404
        assert self.page(people, "POST", "m.login.dummy", "nonsense")[0] == 404
        assert self.page(people, "GET", "m.login.password", session)[0] == 404
        assert run(people.client.get("/_matrix/client/v3/auth/m.login.dummy/fallback/web"))[1]["errcode"] == "M_MISSING_PARAM"

    def test_nothing_foreign_runs(self, people: People) -> None:
        session = people.post(REGISTER, wish())[1]["session"]
        reply = run(people.client.call("GET", "/_matrix/client/v3/auth/m.login.dummy/fallback/web", None, {"session": session}))
        assert "script-src 'none'" in reply.headers["Content-Security-Policy"]
        reply = run(people.client.call("GET", "/_matrix/client/v3/auth/m.login.dummy/fallback/web", None, {"session": "<script>"}))
        assert b"<script>" not in reply.body

    def test_a_form_too_large(self, people: People) -> None:
        session = people.post(REGISTER, wish())[1]["session"]
        reply = run(people.client.call("POST", "/_matrix/client/v3/auth/m.login.dummy/fallback/web", b"x" * 10_000, {"session": session}))
        assert reply.status == 413

    def test_login_page(self, people: People) -> None:
        reply = run(people.client.call("GET", "/_matrix/static/client/login/"))
        assert reply.status == 200
        assert b"matrixLogin" in reply.body
