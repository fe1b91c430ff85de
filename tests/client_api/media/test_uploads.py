"""Uploads: size, quota, names and types; places kept for later ones; the config endpoints."""

from pathlib import Path

import orjson
import pytest
from twisted.internet.defer import Deferred

from config.media import Media
from homeserver.web.endpoint import Reply
from storage.people.accounts import StoredAccounts
from tests.client_api.media.samples import call, download, png, upload
from tests.support.client import Client, start
from tests.support.server import TestServer, make_server

UPLOAD = "/_matrix/media/v3/upload"


@pytest.mark.parametrize("version", ["v3", "r0", "v1"])
def test_upload_under_each_name(server: TestServer, alice: Client, version: str) -> None:
    reply = call(server, alice, "POST", f"/_matrix/media/{version}/upload", b"hello", content_type="text/plain")
    uri = orjson.loads(reply.body)["content_uri"]
    assert uri.startswith("mxc://test/")
    found = download(server, alice, uri.removeprefix("mxc://"))
    assert (found.status, found.body, found.content_type) == (200, b"hello", "text/plain")


def test_upload_needs_a_user(server: TestServer, alice: Client) -> None:
    assert server.run(server.client.post(UPLOAD))[1]["errcode"] == "M_MISSING_TOKEN"
    accounts = StoredAccounts(server.database)
    assert server.run(accounts.set_flags("@alice:test", suspended=True))
    other = log_in_again(server)
    assert server.run(other.post(UPLOAD))[1]["errcode"] == "M_USER_SUSPENDED"
    assert server.run(other.post("/_matrix/media/v1/create"))[1]["errcode"] == "M_USER_SUSPENDED"


def log_in_again(server: TestServer) -> Client:
    body = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "alice"}, "password": "secret secret"}
    return server.client.with_token(server.ok(server.client.post("/_matrix/client/v3/login", body))["access_token"])


def test_config(server: TestServer, alice: Client) -> None:
    for path in ("/_matrix/client/v1/media/config", "/_matrix/media/v3/config", "/_matrix/media/r0/config"):
        assert server.ok(alice.get(path)) == {"m.upload.size": 52_428_800}
        assert server.run(server.client.get(path))[0] == 401


def test_too_large(tmp_path: Path) -> None:
    server = make_server(tmp_path, media=Media(max_upload_bytes=100))
    alice = server.user("alice")
    upload(server, alice, b"a" * 100)
    for method, path in (("POST", UPLOAD), ("PUT", f"{UPLOAD}/{place(server, alice)}")):
        reply = call(server, alice, method, path, b"a" * 101)
        assert (reply.status, orjson.loads(reply.body)["errcode"]) == (413, "M_TOO_LARGE")
    assert stored(tmp_path) == 1


def test_quota(tmp_path: Path) -> None:
    server = make_server(tmp_path, media=Media(user_quota_bytes=100))
    alice, bob = server.user("alice"), server.user("bob")
    upload(server, alice, b"a" * 60)
    for method, path in (("POST", UPLOAD), ("PUT", f"{UPLOAD}/{place(server, alice)}")):
        reply = call(server, alice, method, path, b"b" * 41)
        assert (reply.status, orjson.loads(reply.body)["errcode"]) == (403, "M_FORBIDDEN")
    upload(server, alice, b"b" * 40)
    upload(server, bob, b"b" * 100)


def test_who_reaches_a_limit_is_told_where_to_read_about_it(tmp_path: Path) -> None:
    server = make_server(tmp_path, media=Media(user_quota_files=1, quota_page="https://example.org/limits"))
    alice = server.user("alice")
    path = place(server, alice)
    upload(server, alice, b"a")
    for method, target in (("POST", UPLOAD), ("PUT", f"{UPLOAD}/{path}")):
        reply = call(server, alice, method, target, b"b")
        told = orjson.loads(reply.body)
        assert (reply.status, told["errcode"], told["info_uri"]) == (403, "M_USER_LIMIT_EXCEEDED", "https://example.org/limits")


@pytest.mark.parametrize("name", ["a\r\nSet-Cookie: b", "\x00", "a\x7f", "a\u2028b", "ä" * 513])
def test_names_that_are_refused(server: TestServer, alice: Client, name: str) -> None:
    reply = call(server, alice, "POST", UPLOAD, b"a", {"filename": name})
    assert (reply.status, orjson.loads(reply.body)["errcode"]) == (400, "M_INVALID_PARAM")


@pytest.mark.parametrize(
    ("declared", "data", "served"),
    [
        (None, b"a", "application/octet-stream"),
        ("image/png", png(), "image/png"),
        ("image/jpeg", png(), "image/jpeg"),  # a picture after all
        ("image/png", b"encrypted", "application/octet-stream"),
        ("image/png", b"%!PS-Adobe-3.0 EPSF", "application/octet-stream"),
        ("image/png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "application/octet-stream"),
        ("video/mp4", b"\xef\xbb\xbf \n<html><script>", "application/octet-stream"),
        ("text/plain; charset=utf-8", b"a", "text/plain; charset=utf-8"),
        ("no type", b"a", "application/octet-stream"),
        ("text/html\r\nSet-Cookie: a", b"a", "application/octet-stream"),
        ("text/" + "a" * 300, b"a", "application/octet-stream"),
    ],
)
def test_types(server: TestServer, alice: Client, declared: str | None, data: bytes, served: str) -> None:
    assert download(server, alice, upload(server, alice, data, declared)).content_type == served


def place(server: TestServer, client: Client) -> str:
    """A place for an upload, as a path."""
    answer = server.ok(client.post("/_matrix/media/v1/create"))
    assert answer["unused_expires_at"] == server.clock.now_ms() + 86_400_000
    path: str = answer["content_uri"].removeprefix("mxc://")
    return path


def stored(directory: Path) -> int:
    """How many files there are, whole or not."""
    return sum(path.is_file() for path in (directory / "media").rglob("*"))


def test_an_upload_that_was_announced(server: TestServer, alice: Client) -> None:
    path = place(server, alice)
    reply = download(server, alice, path, {"timeout_ms": 0})
    assert (reply.status, orjson.loads(reply.body)["errcode"]) == (504, "M_NOT_YET_UPLOADED")
    waiting = [start(alice.call("GET", f"/_matrix/client/v1/media/download/{path}")) for _ in range(2)]
    waiting.append(start(alice.call("GET", f"/_matrix/media/v3/download/{path}", None, {"timeout_ms": 100_000})))
    assert not any(answer.called for answer in waiting)
    assert call(server, alice, "PUT", f"{UPLOAD}/{path}", png(), {"filename": "a.png"}, content_type="image/png").body == b"{}"
    assert [server.run(wait_for(answer)).body for answer in waiting] == [png()] * 3
    again = call(server, alice, "PUT", f"{UPLOAD}/{path}", png())
    assert (again.status, orjson.loads(again.body)["errcode"]) == (409, "M_CANNOT_OVERWRITE_MEDIA")
    assert 'filename="a.png"' in download(server, alice, path).headers["Content-Disposition"]


async def wait_for(answer: Deferred[Reply]) -> Reply:
    return await answer


def test_waiting_ends(server: TestServer, alice: Client) -> None:
    path = place(server, alice)
    timers = server.clock.waiting()
    for asked, waited in ((None, 20), (1000, 1), (10**9, 60)):
        before = server.clock.monotonic()
        reply = download(server, alice, path, {"timeout_ms": asked})
        assert reply.status == 504
        assert abs(server.clock.monotonic() - before - waited) < 0.2
    assert server.clock.waiting() <= timers


def test_places_of_others_and_unknown_ones(server: TestServer, alice: Client) -> None:
    path, bob = place(server, alice), server.user("bob")
    for client, target, status, code in (
        (bob, path, 403, "M_FORBIDDEN"),
        (alice, "test/unknown", 404, "M_NOT_FOUND"),
        (alice, path.replace("test/", "elsewhere/"), 404, "M_NOT_FOUND"),
        (alice, "test/..", 400, "M_INVALID_PARAM"),
    ):
        reply = call(server, client, "PUT", f"{UPLOAD}/{target}", b"a")
        assert (reply.status, orjson.loads(reply.body)["errcode"]) == (status, code)


def test_places_expire_and_are_few(tmp_path: Path) -> None:
    server = make_server(tmp_path, media=Media(pending_uploads=2))
    alice = server.user("alice")
    path, _ = place(server, alice), place(server, alice)
    status, answer = server.run(alice.post("/_matrix/media/v1/create"))
    assert (status, answer["errcode"]) == (429, "M_LIMIT_EXCEEDED")
    server.clock.advance(86_400)
    reply = call(server, alice, "PUT", f"{UPLOAD}/{path}", b"a")
    assert (reply.status, orjson.loads(reply.body)["errcode"]) == (404, "M_NOT_FOUND")
    assert download(server, alice, path).status == 404
    place(server, alice)
