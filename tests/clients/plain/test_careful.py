"""A server as careful as servers are: rate limits, terms to agree to, registration by token, somebody to turn to."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.architecture.tree import ROOT
from tests.clients.house import NAME, PASSWORD, House, open_house
from tests.clients.person import Person, v1, v3
from tests.clients.specification import violations
from tests.running.process import command

TERMS = '[{policy = "house", version = "1", name = "House rules", url = "https://example.org/rules", language = "en"}]'
SETTINGS = (
    "rate_limits.enabled=true",
    "rate_limits.register={per_second = 0.001, burst = 5}",
    "rate_limits.message={per_second = 0.001, burst = 3}",
    "registration.requires_token=true",
    f"registration.terms={TERMS}",
    "support.page=https://example.org/help",
    "server.federation_address=matrix.example.org:443",
)


@pytest.fixture(scope="module")
def careful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("careful")
    with open_house("sqlite", folder, *SETTINGS) as opened:
        words = (sys.executable, "-m", "homeserver", "issue-token", "--token", "come-in", "--data", str(folder / "data"))
        done = command(*words, folder=folder, PYTHONPATH=str(ROOT))
        assert done.returncode == 0, done.stderr
        yield opened


def test_registration_stage_by_stage(careful: House) -> None:
    stranger = careful.stranger()
    assert stranger.get(v1("register", "m.login.registration_token", "validity", token="come-in")) == {"valid": True}
    body: dict[str, Any] = {"username": "alice", "password": PASSWORD}
    status, asked = stranger.exchange("POST", v3("register"), body)
    assert status == 401
    assert asked["params"]["m.login.terms"]["policies"]["house"]["en"]["url"] == "https://example.org/rules"
    session = asked["session"]
    wrong = body | {"auth": {"type": "m.login.registration_token", "token": "guess", "session": session}}
    status, answer = stranger.exchange("POST", v3("register"), wrong)
    assert (status, answer["errcode"], answer["session"]) == (401, "M_FORBIDDEN", session)
    right = body | {"auth": {"type": "m.login.registration_token", "token": "come-in", "session": session}}
    status, answer = stranger.exchange("POST", v3("register"), right)
    assert (status, answer["completed"]) == (401, ["m.login.registration_token"])
    person = stranger.post(v3("register"), body | {"auth": {"type": "m.login.terms", "session": session}})
    alice = Person(careful.address, person["user_id"], person["access_token"])
    haste(alice)
    answer = stranger.refused(429, "M_LIMIT_EXCEEDED", "POST", v3("register"), body)
    assert answer["retry_after_ms"] > 0


def haste(alice: Person) -> None:
    room = alice.create_room()
    for number in range(3):
        alice.send(room, f"message {number}")
    path = v3("rooms", room, "send", "m.room.message", "one-more")
    alice.refused(429, "M_LIMIT_EXCEEDED", "PUT", path, {"msgtype": "m.text", "body": "one more"})


def test_guessing_passwords(careful: House) -> None:
    identifier = {"type": "m.id.user", "user": f"@bob:{NAME}"}
    guess = {"type": "m.login.password", "identifier": identifier, "password": "guess"}
    answers = [careful.stranger().exchange("POST", v3("login"), guess) for _ in range(6)]
    assert [status for status, _ in answers] == [403] * 5 + [429]
    assert answers[-1][1]["errcode"] == "M_LIMIT_EXCEEDED"


def test_where_to_turn(careful: House) -> None:
    assert careful.stranger().get("/.well-known/matrix/support") == {"support_page": "https://example.org/help"}
    assert careful.stranger().get("/.well-known/matrix/server") == {"m.server": "matrix.example.org:443"}


def test_the_traffic_is_as_specified(careful: House) -> None:
    assert not violations(careful.recording)
