"""Refresh tokens and logout; what is stored of tokens."""

from typing import Any

import pytest

from config.accounts import Sessions
from tests.client_api.people.test_login import LOGIN, REFRESH, WHOAMI, password_login, whoami
from tests.support.accounts import People, make_people
from tests.support.client import run


@pytest.fixture
def people() -> People:
    made = make_people()
    made.user("alice")
    return made


class TestRefresh:
    def pair(self, people: People) -> tuple[str, str]:
        _, body = people.post(LOGIN, password_login("alice", device_id="PHONE", refresh_token=True))
        assert body["expires_in_ms"] == 300_000
        return body["access_token"], body["refresh_token"]

    def refresh(self, people: People, token: str) -> tuple[int, Any]:
        return people.post(REFRESH, {"refresh_token": token})

    def test_gives_a_new_pair_for_the_same_device(self, people: People) -> None:
        access, refresh = self.pair(people)
        status, body = self.refresh(people, refresh)
        assert status == 200
        assert body["access_token"] != access
        assert body["refresh_token"] != refresh
        assert body["expires_in_ms"] == 300_000
        assert whoami(people, body["access_token"])[1]["device_id"] == "PHONE"

    def test_expired_access_token_is_a_soft_logout(self, people: People) -> None:
        access, refresh = self.pair(people)
        assert whoami(people, access)[0] == 200
        people.clock.advance(301)
        status, body = whoami(people, access)
        assert (status, body["errcode"], body["soft_logout"]) == (401, "M_UNKNOWN_TOKEN", True)
        assert self.refresh(people, refresh)[0] == 200

    def test_the_old_one_works_until_the_new_access_token_is_used(self, people: People) -> None:
        access, refresh = self.pair(people)
        _, lost = self.refresh(people, refresh)
        assert whoami(people, access)[0] == 200
        _, kept = self.refresh(people, refresh)
        assert whoami(people, lost["access_token"])[0] == 401, "the client never got these"
        assert whoami(people, kept["access_token"])[0] == 200
        assert whoami(people, access)[0] == 401
        assert self.refresh(people, refresh)[0] == 401

    def test_the_old_one_works_until_the_new_refresh_token_is_used(self, people: People) -> None:
        _, refresh = self.pair(people)
        _, second = self.refresh(people, refresh)
        assert self.refresh(people, second["refresh_token"])[0] == 200
        assert self.refresh(people, refresh)[0] == 401

    def test_reuse_ends_all_tokens_of_the_device_but_keeps_it(self, people: People) -> None:
        _, refresh = self.pair(people)
        _, second = self.refresh(people, refresh)
        assert whoami(people, second["access_token"])[0] == 200
        status, body = self.refresh(people, refresh)
        assert (status, body["errcode"], body["soft_logout"]) == (401, "M_UNKNOWN_TOKEN", True)
        assert whoami(people, second["access_token"])[0] == 401
        assert self.refresh(people, second["refresh_token"])[0] == 401
        assert people.count("SELECT count(*) FROM devices WHERE device_id = 'PHONE'") == 1

    def test_a_long_chain_leaves_few_rows(self, people: People) -> None:
        _, refresh = self.pair(people)
        for _ in range(10):
            _, body = self.refresh(people, refresh)
            assert whoami(people, body["access_token"])[0] == 200
            refresh = body["refresh_token"]
        assert people.count("SELECT count(*) FROM refresh_tokens WHERE device_id = 'PHONE'") == 2
        assert people.count("SELECT count(*) FROM access_tokens WHERE device_id = 'PHONE'") == 1

    def test_unknown_and_malformed(self, people: People) -> None:
        status, body = self.refresh(people, "nonsense")
        assert (status, body["errcode"], body["soft_logout"]) == (401, "M_UNKNOWN_TOKEN", False)
        assert people.post(REFRESH)[1]["errcode"] == "M_MISSING_PARAM"
        assert people.post(REFRESH, {"refresh_token": 1})[1]["errcode"] == "M_BAD_JSON"

    def test_an_access_token_does_not_refresh(self, people: People) -> None:
        access, _ = self.pair(people)
        assert self.refresh(people, access)[0] == 401

    def test_own_lifetime(self) -> None:
        people = make_people(sessions=Sessions(refresh_token_seconds=600))
        people.user("alice")
        _, refresh = self.pair(people)
        people.clock.advance(601)
        assert self.refresh(people, refresh)[1]["soft_logout"] is True

    def test_locked_users_wait(self, people: People) -> None:
        _, refresh = self.pair(people)
        run(people.accounts.set_locked("@alice:test", True))
        assert self.refresh(people, refresh)[1]["errcode"] == "M_USER_LOCKED"
        run(people.accounts.set_locked("@alice:test", False))
        assert self.refresh(people, refresh)[0] == 200


class TestLogout:
    def test_ends_the_device(self, people: People) -> None:
        _, body = people.post(LOGIN, password_login("alice", device_id="PHONE", refresh_token=True))
        client = people.client.with_token(body["access_token"])
        assert run(client.get(WHOAMI))[0] == 200
        assert run(client.post("/_matrix/client/v3/logout")) == (200, {})
        assert run(client.get(WHOAMI))[1]["errcode"] == "M_UNKNOWN_TOKEN"
        assert people.post(REFRESH, {"refresh_token": body["refresh_token"]})[0] == 401
        assert people.count("SELECT count(*) FROM devices WHERE device_id = 'PHONE'") == 0

    def test_leaves_other_devices(self, people: People) -> None:
        tokens = [people.post(LOGIN, password_login("alice"))[1]["access_token"] for _ in range(2)]
        run(people.client.with_token(tokens[0]).post("/_matrix/client/v3/logout"))
        assert whoami(people, tokens[1])[0] == 200

    def test_all_ends_all(self, people: People) -> None:
        tokens = [people.post(LOGIN, password_login("alice"))[1]["access_token"] for _ in range(2)]
        assert run(people.client.with_token(tokens[0]).post("/_matrix/client/v3/logout/all")) == (200, {})
        assert [whoami(people, token)[0] for token in tokens] == [401, 401]
        assert people.count("SELECT count(*) FROM devices") == 0

    def test_a_locked_user_may(self, people: People) -> None:
        _, body = people.post(LOGIN, password_login("alice"))
        client = people.client.with_token(body["access_token"])
        assert run(client.get(WHOAMI))[0] == 200
        run(people.accounts.set_locked("@alice:test", True))
        assert run(client.get(WHOAMI))[1]["errcode"] == "M_USER_LOCKED"
        assert run(client.post("/_matrix/client/v3/logout"))[0] == 200

    def test_needs_a_token(self, people: People) -> None:
        assert people.post("/_matrix/client/v3/logout")[1]["errcode"] == "M_MISSING_TOKEN"


def test_no_token_is_stored_as_it_is(people: People) -> None:
    _, body = people.post(LOGIN, password_login("alice", refresh_token=True))
    secrets = {body["access_token"], body["refresh_token"], "secret"}
    tables = ["users", "devices", "access_tokens", "refresh_tokens", "login_tokens", "auth_sessions"]
    for table in tables:

        async def rows(name: str = table) -> list[Any]:
            return await people.database.read(lambda cursor: cursor.all(f"SELECT * FROM {name}"))

        text = repr(run(rows()))
        assert not [secret for secret in secrets if secret in text], table
