"""E-mail addresses: proven by a letter, added, used to log in and to come to a new password."""

from pathlib import Path
from typing import Any

import pytest

from config.accounts import Addresses, Passwords, Registration
from config.rate_limits import RateLimit, RateLimits
from config.server import Server as ServerSettings
from tests.support.client import Client
from tests.support.mail import SETTINGS, Letters, code_of, link_of
from tests.support.server import NAME, TestServer, make_server

V3 = "/_matrix/client/v3"
ADDRESS = "alice@example.org"


class World:
    def __init__(self, folder: Path, **sections: Any) -> None:
        self.letters = Letters()
        server = ServerSettings(
            name=NAME, data_directory=str(folder), signing_key=str(folder / "signing.key"), public_base_url="https://chat.test/"
        )
        registration = Registration(enabled=True, requires_token=False, email="optional")
        sections = {"server": server, "mail": SETTINGS, "registration": registration, **sections}
        self.server: TestServer = make_server(folder, postman=self.letters, **sections)
        self.stranger = self.server.client

    def post(self, path: str, body: Any, client: Client | None = None) -> tuple[int, Any]:
        return self.server.run((client or self.stranger).post(path if path.startswith("/") else f"{V3}/{path}", body))

    def ask(self, place: str, email: str = ADDRESS, attempt: int = 1, client: Client | None = None, **more: Any) -> tuple[int, Any]:
        body = {"client_secret": "secret", "email": email, "send_attempt": attempt, **more}
        return self.post(f"{place}/email/requestToken", body, client)

    def prove(self, place: str, email: str = ADDRESS, client: Client | None = None, **more: Any) -> str:
        """The session, with the link opened and confirmed."""
        status, answer = self.ask(place, email, client=client, **more)
        assert status == 200, answer
        self.open(self.letters.last(email.lower()))
        return str(answer["sid"])

    def open(self, letter: Any) -> bytes:
        link = link_of(letter)
        page = self.server.run(self.stranger.call("GET", link))
        assert page.status == 200
        done = self.server.run(self.stranger.call("POST", link))
        assert done.status == 200
        return bytes(done.body)

    def add(self, client: Client, email: str = ADDRESS) -> None:
        sid = self.prove("account/3pid", email, client)
        self.confirmed("account/3pid/add", {"sid": sid, "client_secret": "secret"}, client)

    def confirmed(self, path: str, body: dict[str, Any], client: Client, password: str = "secret secret") -> tuple[int, Any]:
        status, asked = self.post(path, body, client)
        assert status == 401, asked
        auth = {"type": "m.login.password", "session": asked["session"], "password": password}
        status, answer = self.post(path, {**body, "auth": auth}, client)
        assert status == 200, answer
        return status, answer

    def threepids(self, client: Client) -> Any:
        return self.server.ok(client.get(f"{V3}/account/3pid"))["threepids"]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def alice(world: World) -> Client:
    return world.server.user("alice")


class TestAdding:
    def test_from_the_letter_to_the_account(self, world: World, alice: Client) -> None:
        capabilities = world.server.ok(alice.get(f"{V3}/capabilities"))["capabilities"]
        assert capabilities["m.3pid_changes"] == {"enabled": True}
        world.add(alice, "Alice@Example.org")
        (found,) = world.threepids(alice)
        assert (found["medium"], found["address"]) == ("email", ADDRESS)
        assert found["validated_at"] <= found["added_at"]

    def test_the_code_does_as_well_as_the_link(self, world: World, alice: Client) -> None:
        _, asked = world.ask("account/3pid", client=alice)
        assert asked["submit_url"].startswith("https://chat.test/_matrix/")
        path = asked["submit_url"].removeprefix("https://chat.test")
        body = {"sid": asked["sid"], "client_secret": "secret", "token": code_of(world.letters.sent[-1])}
        assert world.post(path, {**body, "client_secret": "other"})[1]["errcode"] == "M_TOKEN_INCORRECT"
        assert world.post(path, body) == (200, {"success": True})
        world.confirmed("account/3pid/add", {"sid": asked["sid"], "client_secret": "secret"}, alice)

    def test_a_session_alone_goes_on(self, world: World, alice: Client) -> None:
        sid = world.prove("account/3pid", client=alice)
        _, asked = world.post("account/3pid/add", {"sid": sid, "client_secret": "secret"}, alice)
        auth = {"type": "m.login.password", "session": asked["session"], "password": "secret secret"}
        assert world.post("account/3pid/add", {"auth": auth}, alice) == (200, {})

    def test_not_by_the_old_way(self, world: World, alice: Client) -> None:
        sid = world.prove("account/3pid", client=alice)
        creds = {"sid": sid, "client_secret": "secret", "id_server": "id.example.org", "id_access_token": "token"}
        status, answer = world.post("account/3pid", {"three_pid_creds": creds}, alice)
        assert (status, answer["errcode"]) == (403, "M_THREEPID_AUTH_FAILED")

    def test_opening_the_page_proves_nothing(self, world: World, alice: Client) -> None:
        _, asked = world.ask("account/3pid", client=alice)
        page = world.server.run(world.stranger.call("GET", link_of(world.letters.sent[-1])))
        assert b"alice@example.org" in page.body
        status, answer = world.post("account/3pid/add", {"sid": asked["sid"], "client_secret": "secret"}, alice)
        assert (status, answer["errcode"]) == (403, "M_THREEPID_AUTH_FAILED")

    def test_a_taken_address_is_told_to_who_is_logged_in(self, world: World, alice: Client) -> None:
        world.add(alice)
        bob = world.server.user("bob")
        status, answer = world.ask("account/3pid", client=bob)
        assert (status, answer["errcode"]) == (400, "M_THREEPID_IN_USE")
        letters = len(world.letters.sent)
        assert world.ask("account/3pid")[0] == 200  # a stranger learns nothing
        assert "belongs to an account already" in world.letters.sent[letters].text

    def test_two_prove_the_same_address(self, world: World, alice: Client) -> None:
        bob = world.server.user("bob")
        first = world.prove("account/3pid", client=alice)
        second = world.prove("account/3pid", client=bob, client_secret="bobs")
        world.confirmed("account/3pid/add", {"sid": first, "client_secret": "secret"}, alice)
        _, asked = world.post("account/3pid/add", {"sid": second, "client_secret": "bobs"}, bob)
        auth = {"type": "m.login.password", "session": asked["session"], "password": "secret secret"}
        status, answer = world.post("account/3pid/add", {"sid": second, "client_secret": "bobs", "auth": auth}, bob)
        assert (status, answer["errcode"]) == (400, "M_THREEPID_IN_USE")

    def test_removing(self, world: World, alice: Client) -> None:
        world.add(alice)
        bob = world.server.user("bob")
        gone = {"medium": "email", "address": "ALICE@example.org"}
        assert world.post("account/3pid/delete", gone, bob) == (200, {"id_server_unbind_result": "no-support"})
        assert len(world.threepids(alice)) == 1
        assert world.post("account/3pid/unbind", gone, alice) == (200, {"id_server_unbind_result": "no-support"})
        assert len(world.threepids(alice)) == 1
        assert world.post("account/3pid/delete", gone, alice) == (200, {"id_server_unbind_result": "no-support"})
        assert world.threepids(alice) == []

    def test_binding_to_an_identity_server(self, world: World, alice: Client) -> None:
        body = {"sid": "1", "client_secret": "secret", "id_server": "id.example.org", "id_access_token": "token"}
        status, answer = world.post("account/3pid/bind", body, alice)
        assert (status, answer["errcode"]) == (400, "M_SERVER_NOT_TRUSTED")

    def test_where_addresses_are_fixed(self, tmp_path: Path) -> None:
        world = World(tmp_path, addresses=Addresses(changes=False))
        alice = world.server.user("alice")
        for path, body in (("add", {"sid": "1", "client_secret": "secret"}), ("delete", {"medium": "email", "address": ADDRESS})):
            status, answer = world.post(f"account/3pid/{path}", body, alice)
            assert (status, answer["errcode"]) == (403, "M_THREEPID_DENIED")
        assert world.ask("account/3pid", client=alice)[1]["errcode"] == "M_THREEPID_DENIED"


class TestLetters:
    def test_the_same_request_sends_one_letter(self, world: World) -> None:
        first = world.ask("register")
        assert world.ask("register") == first
        assert len(world.letters.sent) == 1
        assert world.ask("register", attempt=2) == first
        assert len(world.letters.sent) == 2
        assert world.ask("register", client_secret="other")[1]["sid"] != first[1]["sid"]

    def test_a_letter_that_was_not_taken_is_sent_again(self, world: World) -> None:
        world.letters.broken = True
        status, answer = world.ask("register")
        assert (status, answer["errcode"]) == (503, "M_UNKNOWN")
        world.letters.broken = False
        assert world.ask("register")[0] == 200
        assert len(world.letters.sent) == 1

    def test_a_link_ends(self, world: World) -> None:
        world.ask("register")
        link = link_of(world.letters.sent[-1])
        world.server.clock.advance(3601)
        for method in ("GET", "POST"):
            assert world.server.run(world.stranger.call(method, link)).status == 400

    def test_codes_cannot_be_guessed(self, world: World) -> None:
        _, asked = world.ask("register")
        path = asked["submit_url"].removeprefix("https://chat.test")
        body = {"sid": asked["sid"], "client_secret": "secret"}
        for _ in range(10):
            assert world.post(path, {**body, "token": "wrong"})[1]["errcode"] == "M_TOKEN_INCORRECT"
        right = {**body, "token": code_of(world.letters.sent[-1])}
        assert world.post(path, right)[1]["errcode"] == "M_SESSION_EXPIRED"

    def test_not_too_many_to_one_address(self, tmp_path: Path) -> None:
        world = World(tmp_path, rate_limits=RateLimits(enabled=False, mail_address=RateLimit(0.001, 2)))
        statuses = [world.ask("register", attempt=attempt)[0] for attempt in (1, 2, 3)]
        assert statuses == [200, 200, 429]
        assert world.ask("register", "bob@example.org")[0] == 200
        world.server.clock.advance(1001)
        assert world.ask("register", attempt=3)[0] == 200

    @pytest.mark.parametrize(
        "email",
        [
            "",
            "alice",
            "a@b@c",
            "a b@c.d",
            "Alice <a@b.c>",
            "a@b.c\r\nBcc: x@y.z",
            "a@b.c, d@e.f",
            "é@example.org",
            "a@-b.c",
            "a" * 65 + "@b.c",
        ],
    )
    def test_what_is_no_address(self, world: World, email: str) -> None:
        status, answer = world.ask("register", email)
        assert (status, answer["errcode"]) == (400, "M_INVALID_PARAM")
        assert world.letters.sent == []

    @pytest.mark.parametrize("secret", ["", "with space", "a" * 256, "ä"])
    def test_what_is_no_secret(self, world: World, secret: str) -> None:
        assert world.ask("register", client_secret=secret)[1]["errcode"] == "M_INVALID_PARAM"

    @pytest.mark.parametrize(
        "link",
        [
            "javascript:alert(1)",
            "data:text/html,x",
            "//host/path",
            "https://",
            "https://a@b/",
            "https://a/\n",
            "/path",
            "https://a\\@b",
            "http://[",
        ],
    )
    def test_links_that_lead_astray(self, world: World, link: str) -> None:
        assert world.ask("register", next_link=link)[1]["errcode"] == "M_INVALID_PARAM"

    def test_a_link_to_go_on_is_shown_and_not_followed(self, world: World) -> None:
        world.ask("register", next_link='https://app.example.org/?a="><script>'.replace(" ", ""))
        page = world.open(world.letters.sent[-1])
        assert b"app.example.org" in page
        assert b"<script>" not in page

    def test_only_some_domains(self, tmp_path: Path) -> None:
        world = World(tmp_path, addresses=Addresses(domains=("Example.org",)))
        assert world.ask("register")[0] == 200
        status, answer = world.ask("register", "a@elsewhere.org")
        assert (status, answer["errcode"]) == (403, "M_THREEPID_DENIED")

    def test_telephones(self, world: World, alice: Client) -> None:
        body = {"client_secret": "secret", "country": "DE", "phone_number": "030123456", "send_attempt": 1}
        for place in ("register", "account/password", "account/3pid"):
            status, answer = world.post(f"{place}/msisdn/requestToken", body)
            assert (status, answer["errcode"]) == (400, "M_THREEPID_MEDIUM_NOT_SUPPORTED")


class TestRegistering:
    def creds(self, sid: str, secret: str = "secret") -> dict[str, Any]:
        return {"type": "m.login.email.identity", "threepid_creds": {"sid": sid, "client_secret": secret}}

    def test_with_an_address(self, world: World) -> None:
        body = {"username": "alice", "password": "secret secret"}
        status, asked = world.post("register", body)
        assert [flow["stages"] for flow in asked["flows"]] == [["m.login.dummy"], ["m.login.email.identity"]]
        _, token = world.ask("register")
        auth = {**self.creds(token["sid"]), "session": asked["session"]}
        status, answer = world.post("register", {**body, "auth": auth})
        assert (status, answer["errcode"], answer["completed"]) == (401, "M_UNAUTHORIZED", [])
        world.open(world.letters.last(ADDRESS))
        status, answer = world.post("register", {**body, "auth": auth})
        assert status == 200
        assert [found["address"] for found in world.threepids(world.stranger.with_token(answer["access_token"]))] == [ADDRESS]

    def test_where_an_address_is_required(self, tmp_path: Path) -> None:
        world = World(tmp_path, registration=Registration(enabled=True, requires_token=False, email="required"))
        body = {"username": "alice", "password": "secret secret"}
        assert world.post("register", {**body, "auth": {"type": "m.login.dummy"}})[0] == 401
        sid = world.prove("register")
        assert world.post("register", {**body, "auth": self.creds(sid)})[0] == 200
        status, _ = world.post("register", {"username": "bob", "password": "secret secret", "auth": self.creds(sid)})
        assert status == 401  # a proof is good for one account

    def test_proofs_are_for_one_purpose(self, world: World, alice: Client) -> None:
        sid = world.prove("account/3pid", client=alice)
        body = {"username": "bob", "password": "secret secret"}
        assert world.post("register", {**body, "auth": self.creds(sid)})[0] == 401
        sid = world.prove("register")
        assert world.post("register", {**body, "auth": self.creds(sid, "other")})[0] == 401
        assert world.post("account/3pid/add", {"sid": sid, "client_secret": "secret"}, alice)[1]["errcode"] == "M_THREEPID_AUTH_FAILED"

    def test_who_has_an_account_is_told_by_letter(self, world: World, alice: Client) -> None:
        world.add(alice)
        letters = len(world.letters.sent)
        status, answer = world.ask("register")
        assert status == 200
        assert "belongs to an account already" in world.letters.sent[letters].text
        assert "http" not in world.letters.sent[letters].text
        path = answer["submit_url"].removeprefix("https://chat.test")
        assert world.post(path, {"sid": answer["sid"], "client_secret": "secret", "token": ""})[0] == 400

    def test_the_address_is_taken_meanwhile(self, world: World, alice: Client) -> None:
        sid = world.prove("register")
        world.add(alice)
        body = {"username": "bob", "password": "secret secret", "auth": self.creds(sid)}
        status, answer = world.post("register", body)
        assert (status, answer["errcode"]) == (400, "M_THREEPID_IN_USE")
        assert world.post("register", {"username": "bob", "password": "secret secret", "auth": {"type": "m.login.dummy"}})[0] == 200

    def test_where_nobody_registers_with_one(self, tmp_path: Path) -> None:
        world = World(tmp_path, registration=Registration(enabled=True, requires_token=False))
        assert world.ask("register")[1]["errcode"] == "M_THREEPID_DENIED"


class TestLoggingIn:
    def log_in(self, world: World, address: str, password: str = "secret secret") -> tuple[int, Any]:
        identifier = {"type": "m.id.thirdparty", "medium": "email", "address": address}
        return world.post("login", {"type": "m.login.password", "identifier": identifier, "password": password})

    def test_by_an_address(self, world: World, alice: Client) -> None:
        world.add(alice)
        status, answer = self.log_in(world, "ALICE@example.org")
        assert (status, answer["user_id"]) == (200, "@alice:test")
        assert self.log_in(world, ADDRESS, "wrong")[0] == 403
        old = {"type": "m.login.password", "medium": "email", "address": ADDRESS, "password": "secret secret"}
        assert world.post("login", old)[0] == 200

    def test_an_unknown_address_looks_like_a_wrong_password(self, world: World, alice: Client) -> None:
        world.add(alice)
        assert self.log_in(world, "bob@example.org") == self.log_in(world, ADDRESS, "wrong")

    def test_confirming_by_an_address(self, world: World, alice: Client) -> None:
        world.add(alice)
        _, asked = world.post("account/deactivate", {}, alice)
        identifier = {"type": "m.id.thirdparty", "medium": "email", "address": ADDRESS}
        auth = {"type": "m.login.password", "identifier": identifier, "password": "secret secret", "session": asked["session"]}
        assert world.post("account/deactivate", {"auth": auth}, alice)[0] == 200
        assert self.log_in(world, ADDRESS)[0] == 403
        assert world.ask("register", attempt=9)[0] == 200
        assert "belongs to" not in world.letters.sent[-1].text  # the address is free again


class TestNewPasswords:
    def reset(self, world: World, sid: str, **more: Any) -> tuple[int, Any]:
        auth = {"type": "m.login.email.identity", "threepid_creds": {"sid": sid, "client_secret": "secret"}}
        return world.post("account/password", {"new_password": "another one", "auth": auth, **more})

    def test_by_an_address(self, world: World, alice: Client) -> None:
        world.add(alice)
        status, asked = world.post("account/password", {"new_password": "another one"})
        assert (status, [flow["stages"] for flow in asked["flows"]]) == (401, [["m.login.email.identity"]])
        sid = world.prove("account/password")
        assert self.reset(world, sid) == (200, {})
        assert world.server.run(alice.get(f"{V3}/account/whoami"))[0] == 401
        login = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "alice"}}
        assert world.post("login", {**login, "password": "another one"})[0] == 200
        assert world.post("login", {**login, "password": "secret secret"})[0] == 403
        assert self.reset(world, sid)[0] == 401  # once for each letter

    def test_devices_may_stay(self, world: World, alice: Client) -> None:
        world.add(alice)
        assert self.reset(world, world.prove("account/password"), logout_devices=False) == (200, {})
        assert world.server.run(alice.get(f"{V3}/account/whoami"))[0] == 200

    def test_not_before_the_link_was_confirmed(self, world: World, alice: Client) -> None:
        world.add(alice)
        _, asked = world.ask("account/password")
        assert self.reset(world, asked["sid"])[0] == 401

    def test_nobody_learns_who_has_an_account(self, world: World, alice: Client) -> None:
        world.add(alice)
        known, unknown = world.ask("account/password"), world.ask("account/password", "bob@example.org")
        assert (known[0], known[1].keys()) == (unknown[0], unknown[1].keys())
        assert "No account there has this address" in world.letters.last("bob@example.org").text

    def test_without_mail_there_is_no_way(self, tmp_path: Path) -> None:
        server = make_server(tmp_path, passwords=Passwords(memory_kib=8, iterations=1, minimum_length=1))
        status, answer = server.run(server.client.post(f"{V3}/account/password", {"new_password": "another one"}))
        assert (status, answer["errcode"]) == (401, "M_MISSING_TOKEN")
