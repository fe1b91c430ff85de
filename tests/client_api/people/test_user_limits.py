"""What one account may have, and where one is told more about it."""

from pathlib import Path
from typing import Any

import pytest

from config.accounts import Registration, UserLimits
from config.server import Contact, Server, Support, contact_of
from tests.support.client import Client
from tests.support.rooms import create_room, path
from tests.support.server import TestServer, make_server

PAGE = "https://example.org/limits"


@pytest.fixture
def server(tmp_path: Path) -> TestServer:
    limits = UserLimits(joined_rooms=2, devices=2, account_data_bytes=4_000, page=PAGE, can_upgrade=True)
    return make_server(tmp_path, user_limits=limits)


def exceeded(answer: tuple[int, Any]) -> None:
    status, body = answer
    assert (status, body["errcode"], body["info_uri"], body["can_upgrade"]) == (403, "M_USER_LIMIT_EXCEEDED", PAGE, True), answer


def test_rooms(server: TestServer, alice: Client) -> None:
    other = create_room(server, server.user("bob"), preset="public_chat")
    first = create_room(server, alice)
    create_room(server, alice)
    server.ok(alice.post(path("join", first)))  # where one is
    exceeded(server.run(alice.post(path("createRoom"), {})))
    exceeded(server.run(alice.post(path("join", other))))
    server.ok(alice.post(path("rooms", first, "leave")))
    server.ok(alice.post(path("join", other)))


def test_devices(server: TestServer, alice: Client) -> None:
    body = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "alice"}, "password": "secret secret"}
    login = path("login")
    second = server.ok(server.client.post(login, {**body, "device_id": "SECOND"}))
    exceeded(server.run(server.client.post(login, body)))
    exceeded(server.run(server.client.post(login, {**body, "device_id": "THIRD"})))
    second = server.ok(server.client.post(login, {**body, "device_id": "SECOND"}))  # no new device
    server.ok(server.client.with_token(second["access_token"]).post(path("logout")))
    server.ok(server.client.post(login, {**body, "device_id": "THIRD"}))


def test_account_data(server: TestServer, alice: Client) -> None:
    def put(type: str, size: int) -> tuple[int, Any]:
        return server.run(alice.put(path("user", "@alice:test", "account_data", type), {"text": "x" * size} if size else {}))

    assert put("a", 1_000) == (200, {})
    exceeded(put("b", 3_000))
    exceeded(put("a", 3_000))
    assert put("a", 900) == (200, {})
    assert put("b", 500) == (200, {})
    assert put("a", 0) == (200, {})


def test_the_page_of_the_server_where_there_is_no_other(tmp_path: Path) -> None:
    settings = Server(name="test", data_directory=str(tmp_path), signing_key=str(tmp_path / "signing.key"))
    server = make_server(tmp_path, user_limits=UserLimits(joined_rooms=1), server=settings)
    alice = server.user("alice")
    create_room(server, alice)
    answer = server.run(alice.post(path("createRoom"), {}))[1]
    assert (answer["errcode"], answer["info_uri"], answer["can_upgrade"]) == ("M_USER_LIMIT_EXCEEDED", "https://test/", False)


def test_a_full_server(tmp_path: Path) -> None:
    registration = Registration(enabled=True, requires_token=False, guests=True, maximum_accounts=2)
    support = Support(contacts=(Contact("m.role.admin", email_address="admin@example.org"),))
    server = make_server(tmp_path, registration=registration, support=support)
    server.user("alice")
    guest = server.ok(server.client.post(path("register") + "?kind=guest", {}))
    server.user("bob")
    body = {"username": "carol", "password": "secret secret", "auth": {"type": "m.login.dummy"}}
    for wish in (body, {**body, "username": guest["user_id"][1:].partition(":")[0], "guest_access_token": guest["access_token"]}):
        status, answer = server.run(server.client.post(path("register"), wish))
        assert (status, answer["errcode"], answer["admin_contact"]) == (403, "M_RESOURCE_LIMIT_EXCEEDED", "mailto:admin@example.org")
    create = {"name": "carol", "password": "correct horse", "admin": False, "display_name": None}
    server.run(server.server.commands.run("create-user", create))
    server.run(server.server.commands.run("deactivate-user", {"name": "bob", "erase": False}))
    server.run(server.server.commands.run("deactivate-user", {"name": "alice", "erase": False}))
    server.user("dora")


@pytest.mark.parametrize(
    ("support", "contact"),
    [
        (Support(), "https://test/"),
        (Support(page="https://example.org/help"), "https://example.org/help"),
        (Support(contacts=(Contact("m.role.admin", matrix_id="@admin:test"),)), "https://matrix.to/#/@admin:test"),
    ],
)
def test_whom_to_ask(support: Support, contact: str) -> None:
    assert contact_of(support, Server(name="test")) == contact
