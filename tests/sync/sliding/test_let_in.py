"""Whoever is no longer let in does not go on waiting, in either sync and before both (client-server API, "Account locking", "Soft logout")."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from storage.people.accounts import StoredAccounts
from tests.support.client import Client, start
from tests.support.rooms import create_room, path
from tests.support.server import TestServer, make_server
from tests.sync.sliding.connection import SLIDING

ALICE = "@alice:test"
LOGIN = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "alice"}, "password": "secret secret"}
Answer = Deferred[tuple[int, Any]]


class House:
    """Alice is logged in twice."""

    def __init__(self, directory: Path, wait: Callable[[TestServer, Client], Answer]) -> None:
        self.server = make_server(directory)
        self.first = self.server.user("alice")
        self.other, self.tokens = self.log_in(refresh_token=True)
        create_room(self.server, self.first)
        self.server.clock.advance(1)
        self._wait = wait

    def log_in(self, **more: Any) -> tuple[Client, dict[str, Any]]:
        answer = self.server.ok(self.server.client.post(path("login"), {**LOGIN, **more}))
        return self.server.client.with_token(answer["access_token"]), answer

    def wait(self) -> Answer:
        waiting = self._wait(self.server, self.other)
        assert not waiting.called
        return waiting

    def ended(self, waiting: Answer) -> tuple[int, str | None, bool | None]:
        self.server.clock.advance(0.1)
        assert waiting.called
        result: Any = waiting.result
        status, answer = result
        return status, answer.get("errcode"), answer.get("soft_logout")


def wait_plain(server: TestServer, client: Client) -> Answer:
    since = None
    for _ in range(3):
        since = server.ok(client.get(path("sync"), {"since": since}))["next_batch"]
    return start(client.get(path("sync"), {"since": since, "timeout": 60_000}))


def wait_sliding(server: TestServer, client: Client) -> Answer:
    body = {"lists": {"all": {"ranges": [[0, 9]], "timeline_limit": 1, "required_state": []}}}
    pos = None
    for _ in range(3):
        pos = server.ok(client.post(SLIDING, body, {"pos": pos}))["pos"]
    return start(client.post(SLIDING, body, {"pos": pos, "timeout": 60_000}))


def wait_events(server: TestServer, client: Client) -> Answer:
    return start(client.get(path("events"), {"timeout": 60_000}))


@pytest.fixture(params=[wait_plain, wait_sliding, wait_events])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    return House(tmp_path, request.param)


def test_a_locked_account(house: House) -> None:
    waiting = house.wait()
    house.server.run(StoredAccounts(house.server.database).set_flags(ALICE, locked=True))
    assert house.ended(waiting) == (401, "M_USER_LOCKED", True)


def test_a_session_that_another_device_ended(house: House) -> None:
    waiting = house.wait()
    house.server.ok(house.first.post(path("logout", "all")))
    assert house.ended(waiting) == (401, "M_UNKNOWN_TOKEN", False)


def test_a_session_that_is_begun_anew(house: House) -> None:
    waiting = house.wait()
    house.log_in(device_id=house.tokens["device_id"])
    assert house.ended(waiting) == (401, "M_UNKNOWN_TOKEN", False)


def test_a_token_that_was_refreshed_goes_on_to_wait(house: House) -> None:
    """Its successor is the client's, who would take the error for the end of the session."""
    waiting = house.wait()
    renewed = house.server.ok(house.server.client.post(path("refresh"), {"refresh_token": house.tokens["refresh_token"]}))
    fresh = house.server.client.with_token(renewed["access_token"])
    house.server.ok(fresh.get(path("account", "whoami")))
    assert house.server.run(house.other.get(path("account", "whoami")))[0] == 401
    house.server.clock.advance(1)
    assert not waiting.called
    house.server.ok(house.first.post(path("logout", "all")))
    assert house.ended(waiting) == (401, "M_UNKNOWN_TOKEN", False)


def test_an_account_whose_rights_change_waits_on(house: House) -> None:
    waiting = house.wait()
    house.server.run(StoredAccounts(house.server.database).set_flags(ALICE, is_admin=True))
    house.server.clock.advance(1)
    assert not waiting.called
