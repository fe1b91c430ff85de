"""Login, logout, login tokens, refresh tokens."""

from typing import Any

import pytest

from config.accounts import Passwords
from config.rate_limits import RateLimits
from config.server import Server
from homeserver.web.endpoint import Caller
from storage.drivers.threads import NoThreads
from tests.support.accounts import People, make_people
from tests.support.client import Client, run, start

LOGIN = "/_matrix/client/v3/login"
WHOAMI = "/_matrix/client/v3/account/whoami"
REFRESH = "/_matrix/client/v3/refresh"


class CountingPool:
    """How many hashes were asked for."""

    def __init__(self) -> None:
        self.jobs = 0
        self._pool = NoThreads().pool("passwords", 1)

    def submit(self, job: Any, done: Any) -> None:
        self.jobs += 1
        self._pool.submit(job, done)


class Bridge:
    """One application service: it owns the names that begin with _irc_."""

    token = "as-token"
    caller = Caller("@irc:test", None, 0, appservice="irc")

    def owner(self, token: str) -> Caller | None:
        return self.caller if token == self.token else None

    async def find_asserted(self, service: Caller, user_id: str | None, device_id: str | None) -> Caller:
        return Caller(user_id or service.user_id, device_id, 0, appservice="irc")

    def is_exclusive(self, user_id: str) -> bool:
        return user_id.startswith("@_irc_")

    def owns(self, appservice: str, user_id: str) -> bool:
        return appservice == "irc" and user_id.startswith("@_irc_")


def password_login(user: object, password: object = "secret", **more: object) -> dict[str, object]:
    return {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": user}, "password": password, **more}


@pytest.fixture
def people() -> People:
    made = make_people()
    made.user("alice")
    return made


def whoami(people: People, token: str) -> tuple[int, Any]:
    return run(people.client.with_token(token).get(WHOAMI))


def confirm(password: str = "secret") -> dict[str, Any]:
    return {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "alice"}, "password": password}


class TestFlows:
    def test_lists_what_is_offered(self, people: People) -> None:
        status, body = run(people.client.get(LOGIN))
        assert status == 200
        assert {"type": "m.login.password"} in body["flows"]
        assert {"type": "m.login.token", "get_login_token": True} in body["flows"]

    def test_passwords_can_be_closed(self) -> None:
        people = make_people(passwords=Passwords(login=False, memory_kib=8, iterations=1))
        assert {"type": "m.login.password"} not in run(people.client.get(LOGIN))[1]["flows"]
        status, body = people.post(LOGIN, password_login("alice"))
        assert (status, body["errcode"]) == (400, "M_UNKNOWN")


class TestPassword:
    @pytest.mark.parametrize("user", ["alice", "ALICE", "@alice:test", "@Alice:test"])
    def test_by_name_or_id(self, people: People, user: str) -> None:
        status, body = people.post(LOGIN, password_login(user))
        assert status == 200
        assert body["user_id"] == "@alice:test"
        assert whoami(people, body["access_token"])[1] == {"user_id": "@alice:test", "device_id": body["device_id"], "is_guest": False}

    def test_the_old_way(self, people: People) -> None:
        status, body = run(
            people.client.post("/_matrix/client/r0/login", {"type": "m.login.password", "user": "alice", "password": "secret"})
        )
        assert status == 200
        assert body["home_server"] == "test"

    def test_a_device_id_has_at_most_512_bytes(self, people: People, alice: Client) -> None:
        for device_id, status in (("🙂" * 128, 200), ("🙂" * 129, 400), ("x" * 512, 200), ("x" * 513, 400)):
            assert people.post(LOGIN, {**password_login("alice"), "device_id": device_id})[0] == status

    @pytest.mark.parametrize("user", ["nobody", "@alice:elsewhere", "@", "", "@alice", "a\0b", "@nobody:test", "x" * 5000])
    def test_unknown_user_and_wrong_password_look_the_same(self, people: People, user: str) -> None:
        wrong = people.post(LOGIN, password_login("alice", "guess"))
        assert wrong[0] == 403
        assert wrong[1]["errcode"] == "M_FORBIDDEN"
        assert people.post(LOGIN, password_login(user)) == wrong

    @pytest.mark.parametrize("user, password", [("alice", "secret"), ("alice", "guess"), ("nobody", "secret"), ("alice", "x" * 60_000)])
    def test_every_try_costs_one_hash(self, user: str, password: str) -> None:
        pool = CountingPool()
        people = make_people(pool=pool)
        people.user("alice")
        before = pool.jobs
        people.post(LOGIN, password_login(user, password))
        assert pool.jobs == before + 1

    @pytest.mark.parametrize(
        "body, errcode",
        [
            ({}, "M_MISSING_PARAM"),
            ({"type": "m.login.password"}, "M_MISSING_PARAM"),
            ({"type": "m.login.password", "user": "alice"}, "M_MISSING_PARAM"),
            ({"type": "m.login.password", "identifier": {"type": "m.id.user"}, "password": "x"}, "M_MISSING_PARAM"),
            ({"type": "m.login.password", "identifier": {"type": "m.id.odd"}, "password": "x"}, "M_INVALID_PARAM"),
            ({"type": "m.login.sso"}, "M_UNKNOWN"),
            ({"type": 1}, "M_BAD_JSON"),
            (password_login("alice", device_id="a\0b"), "M_INVALID_PARAM"),
            (password_login("alice", device_id="x" * 600), "M_INVALID_PARAM"),
            (password_login("alice", 12), "M_BAD_JSON"),
        ],
    )
    def test_malformed(self, people: People, body: dict[str, Any], errcode: str) -> None:
        status, answer = people.post(LOGIN, body)
        assert (status, answer["errcode"]) == (400, errcode)

    @pytest.mark.parametrize(
        "named",
        [
            {"identifier": {"type": "m.id.thirdparty", "medium": "email", "address": "a@example.org"}},
            {"identifier": {"type": "m.id.phone", "country": "GB", "phone": "1"}},
            {"identifier": {"medium": "email", "address": "a@example.org"}},
            {"medium": "email", "address": "a@example.org"},
        ],
    )
    def test_third_party_identifiers_are_unknown(self, people: People, named: dict[str, Any]) -> None:
        status, body = people.post(LOGIN, {"type": "m.login.password", "password": "secret", **named})
        assert (status, body["errcode"]) == (403, "M_FORBIDDEN")

    def test_well_known_comes_along(self) -> None:
        people = make_people(server=Server(name="test", public_base_url="https://matrix.test"))
        people.user("alice")
        assert people.post(LOGIN, password_login("alice"))[1]["well_known"] == {"m.homeserver": {"base_url": "https://matrix.test"}}

    def test_hash_is_renewed_when_the_cost_changes(self) -> None:
        people = make_people()
        people.user("alice")
        dearer = People(people.database, people.streams, passwords=Passwords(minimum_length=1, memory_kib=16, iterations=2))
        assert dearer.post(LOGIN, password_login("alice"))[0] == 200
        credentials = run(dearer.account_store.credentials("@alice:test"))
        assert credentials is not None
        assert credentials.password_hash is not None
        assert "m=16,t=2" in credentials.password_hash
        assert dearer.post(LOGIN, password_login("alice"))[0] == 200


class TestStates:
    def test_deactivated_is_told_to_the_owner_alone(self, people: People) -> None:
        run(people.deactivation.deactivate("@alice:test", erase=False))
        assert people.post(LOGIN, password_login("alice"))[1]["errcode"] == "M_USER_DEACTIVATED"
        assert people.post(LOGIN, password_login("alice", "guess"))[1]["errcode"] == "M_FORBIDDEN"

    def test_locked_is_told_to_the_owner_alone(self, people: People) -> None:
        run(people.accounts.set_locked("@alice:test", True))
        status, body = people.post(LOGIN, password_login("alice"))
        assert (status, body["errcode"], body["soft_logout"]) == (401, "M_USER_LOCKED", True)
        assert people.post(LOGIN, password_login("alice", "guess"))[1]["errcode"] == "M_FORBIDDEN"

    def test_suspended_may_log_in(self, people: People) -> None:
        run(people.accounts.set_suspended("@alice:test", True))
        assert people.post(LOGIN, password_login("alice"))[0] == 200


class TestGuessing:
    def test_guesses_end_per_account_and_per_address(self) -> None:
        people = make_people(limits=RateLimits(enabled=False))
        people.user("alice")
        for _ in range(5):
            assert people.post(LOGIN, password_login("alice", "guess"))[0] == 403
        status, body = people.post(LOGIN, password_login("alice"))
        assert (status, body["errcode"]) == (429, "M_LIMIT_EXCEEDED")
        others = [people.post(LOGIN, password_login(f"user{number}", "guess"))[0] for number in range(30)]
        assert others[:10] == [403] * 10
        assert others[10:] == [429] * 20

    def test_time_heals(self) -> None:
        people = make_people()
        people.user("alice")
        for _ in range(5):
            people.post(LOGIN, password_login("alice", "guess"))
        people.clock.advance(60)
        assert people.post(LOGIN, password_login("alice"))[0] == 200

    def test_a_full_queue_says_come_back(self) -> None:
        class Stuck:
            def submit(self, job: Any, done: Any) -> None:
                """Never answers."""

        people = make_people(pool=Stuck(), passwords=Passwords(minimum_length=1, memory_kib=8, iterations=1, queue=1))
        start(people.client.post(LOGIN, password_login("alice")))
        status, body = people.post(LOGIN, password_login("bob"))
        assert (status, body["errcode"]) == (429, "M_LIMIT_EXCEEDED")


class TestDevices:
    def test_id_and_name_as_asked(self, people: People) -> None:
        _, body = people.post(LOGIN, password_login("alice", device_id="PHONE", initial_device_display_name="My phone"))
        assert body["device_id"] == "PHONE"
        device = run(people.client.with_token(body["access_token"]).get("/_matrix/client/v3/devices/PHONE"))[1]
        assert device["display_name"] == "My phone"

    def test_the_same_device_again_ends_its_old_token_and_keeps_its_name(self, people: People) -> None:
        _, first = people.post(
            LOGIN, password_login("alice", device_id="PHONE", initial_device_display_name="My phone", refresh_token=True)
        )
        assert whoami(people, first["access_token"])[0] == 200
        _, second = people.post(LOGIN, password_login("alice", device_id="PHONE", initial_device_display_name="Other"))
        status, body = whoami(people, first["access_token"])
        assert (status, body["errcode"], body["soft_logout"]) == (401, "M_UNKNOWN_TOKEN", False)
        assert people.post(REFRESH, {"refresh_token": first["refresh_token"]})[0] == 401
        device = run(people.client.with_token(second["access_token"]).get("/_matrix/client/v3/devices/PHONE"))[1]
        assert device["display_name"] == "My phone"

    def test_two_users_may_name_a_device_alike(self, people: People) -> None:
        people.user("bob")
        _, alice = people.post(LOGIN, password_login("alice", device_id="PHONE"))
        _, bob = people.post(LOGIN, password_login("bob", device_id="PHONE"))
        assert whoami(people, alice["access_token"])[0] == 200
        assert whoami(people, bob["access_token"])[1]["user_id"] == "@bob:test"


class TestLoginTokens:
    PATH = "/_matrix/client/v1/login/get_token"

    def token(self, client: Client) -> str:
        status, body = run(client.post(self.PATH, {"auth": confirm()}))
        assert status == 200
        assert body["expires_in_ms"] == 120_000
        token = body["login_token"]
        assert isinstance(token, str)
        return token

    def test_needs_the_password_each_time(self) -> None:
        alice = make_people().user("alice")
        status, body = run(alice.post(self.PATH))
        assert status == 401
        assert body["flows"] == [{"stages": ["m.login.password"]}]
        session = {"session": body["session"]}
        assert run(alice.post(self.PATH, {"auth": {**confirm(), **session}}))[0] == 200
        assert run(alice.post(self.PATH, {"auth": session}))[0] == 401

    def test_logs_in_once(self) -> None:
        people = make_people()
        token = self.token(people.user("alice"))
        assert people.post(LOGIN, {"type": "m.login.token", "token": token})[1]["user_id"] == "@alice:test"
        status, body = people.post(LOGIN, {"type": "m.login.token", "token": token})
        assert (status, body["errcode"]) == (403, "M_FORBIDDEN")

    def test_expires(self) -> None:
        people = make_people()
        token = self.token(people.user("alice"))
        people.clock.advance(121)
        assert people.post(LOGIN, {"type": "m.login.token", "token": token})[0] == 403

    def test_expired_ones_are_forgotten(self) -> None:
        people = make_people()
        alice = people.user("alice")
        self.token(alice)
        people.clock.advance(121)
        self.token(alice)
        assert people.count("SELECT count(*) FROM login_tokens") == 1

    def test_without_password_there_is_none(self) -> None:
        people = make_people()
        _, grant = run(people.accounts.create("bot", None, log_in=True))
        assert grant is not None
        status, body = run(people.client.with_token(grant.access_token).post(self.PATH))
        assert (status, body["errcode"]) == (400, "M_UNKNOWN")

    def test_missing_token(self, people: People) -> None:
        assert people.post(LOGIN, {"type": "m.login.token"})[1]["errcode"] == "M_MISSING_PARAM"


class TestAppservice:
    @pytest.fixture
    def bridged(self) -> People:
        bridge = Bridge()
        people = make_people(names=bridge, appservices=bridge)
        service = people.client.with_token(Bridge.token)
        register = {"type": "m.login.application_service", "username": "_irc_bob", "inhibit_login": True}
        assert run(service.post("/_matrix/client/v3/register", register))[0] == 200
        return people

    def log_in(self, people: People, user: str, token: str | None = Bridge.token) -> tuple[int, Any]:
        body = {"type": "m.login.application_service", "identifier": {"type": "m.id.user", "user": user}}
        return run(people.client.with_token(token).post(LOGIN, body))

    def test_as_its_user(self, bridged: People) -> None:
        status, body = self.log_in(bridged, "_irc_bob")
        assert status == 200
        assert whoami(bridged, body["access_token"])[1]["user_id"] == "@_irc_bob:test"

    def test_not_as_others(self, bridged: People) -> None:
        bridged.user("alice")
        assert self.log_in(bridged, "alice")[1]["errcode"] == "M_EXCLUSIVE"
        assert self.log_in(bridged, "_irc_unknown")[1]["errcode"] == "M_FORBIDDEN"

    def test_not_without_its_token(self, bridged: People) -> None:
        alice = bridged.user("alice")
        assert self.log_in(bridged, "_irc_bob", None)[1]["errcode"] == "M_MISSING_TOKEN"
        assert self.log_in(bridged, "_irc_bob", "nonsense")[1]["errcode"] == "M_UNKNOWN_TOKEN"
        assert self.log_in(bridged, "_irc_bob", alice.token)[1]["errcode"] == "M_UNKNOWN_TOKEN"

    def test_its_token_does_not_log_out(self, bridged: People) -> None:
        assert run(bridged.client.with_token(Bridge.token).post("/_matrix/client/v3/logout"))[1]["errcode"] == "M_FORBIDDEN"

    def test_a_login_by_password_does_not_mind_an_old_token(self, people: People) -> None:
        assert run(people.client.with_token("long gone").post(LOGIN, password_login("alice")))[0] == 200
