"""Downloads: headers, ranges, validators, names; what must never come out."""

from pathlib import Path
from urllib.parse import quote

import orjson
import pytest

from tests.client_api.media.samples import call, download, png, upload
from tests.support.client import Client
from tests.support.server import TestServer, make_server

ACTIVE = ("text/html", "image/svg+xml", "application/xhtml+xml", "application/javascript", "text/xml", "application/pdf")
TRAVERSALS = ("..", "%2e%2e", "..%2f..%2fetc%2fpasswd", "a%2f..%2fb", "%00", "..%5c..", "a.b", "%ff")
SERVERS = ("test", "127.0.0.1", "[::1]", "test:1", "..", "%2e%2e%2f", "a%2fb", "te%0d%0ast")


@pytest.mark.parametrize("prefix", ["/_matrix/client/v1/media", "/_matrix/media/v3", "/_matrix/media/r0", "/_matrix/media/v1"])
def test_download_under_each_name(server: TestServer, alice: Client, prefix: str) -> None:
    path = upload(server, alice, png(), "image/png", "a.png")
    for name in ("", "/other.png"):
        reply = call(server, alice, "GET", f"{prefix}/download/{path}{name}")
        assert (reply.status, reply.body, reply.content_type) == (200, png(), "image/png")
        assert reply.headers["Content-Disposition"] == f'inline; filename="{name[1:] or "a.png"}"'
        assert reply.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'; script-src 'none'")
        assert reply.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert reply.headers["Cache-Control"].startswith("private" if "client" in prefix else "public")


def test_who_may_download(server: TestServer, alice: Client, tmp_path: Path) -> None:
    path = upload(server, alice, b"a")
    assert download(server, server.client, path).status == 401
    guest = server.ok(server.client.post("/_matrix/client/v3/register?kind=guest", {}))["access_token"]
    assert download(server, server.client.with_token(guest), path).status == 200
    assert call(server, server.client, "GET", f"/_matrix/media/v3/download/{path}").status == 200
    closed = make_server(tmp_path)
    bob = closed.user("bob")
    path = upload(closed, bob, b"a")
    for what in ("download", "thumbnail"):
        reply = call(closed, bob, "GET", f"/_matrix/media/v3/{what}/{path}", None, {"width": 1, "height": 1})
        assert (reply.status, orjson.loads(reply.body)["errcode"]) == (404, "M_NOT_FOUND")
    assert download(closed, bob, path).status == 200


@pytest.mark.parametrize("content_type", ACTIVE)
def test_what_could_run_is_an_attachment(server: TestServer, alice: Client, content_type: str) -> None:
    reply = download(server, alice, upload(server, alice, b"<script>", content_type, "a"))
    assert reply.content_type == content_type
    assert reply.headers["Content-Disposition"] == 'attachment; filename="a"'


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (None, "inline"),
        ("with space;semi.png", 'inline; filename="with space;semi.png"'),
        ('say "a"\\', "inline; filename*=utf-8''say%20%22a%22%5C"),
        ("猫.png", "inline; filename*=utf-8''%E7%8C%AB.png"),
        ("../../etc/passwd", 'inline; filename="../../etc/passwd"'),
        ("50%.png", "inline; filename*=utf-8''50%25.png"),
    ],
)
def test_names(server: TestServer, alice: Client, name: str | None, told: str) -> None:
    path = upload(server, alice, png(), name=name)
    assert download(server, alice, path).headers["Content-Disposition"] == told
    if name is not None:
        assert download(server, alice, f"{path}/{quote(name, safe='')}").headers["Content-Disposition"] == told


def test_names_in_the_path_are_checked(server: TestServer, alice: Client) -> None:
    path = upload(server, alice, png())
    assert download(server, alice, f"{path}/a%0d%0aSet-Cookie:b").status == 400


@pytest.mark.parametrize(
    ("asked", "status", "body", "told"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=8-", 206, b"89", "bytes 8-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-30", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=5-100", 206, b"56789", "bytes 5-9/10"),
        ("bytes=10-", 416, None, "bytes */10"),
        ("bytes=-0", 416, None, "bytes */10"),
        ("bytes=0-1,4-5", 200, b"0123456789", None),
        ("bytes=3-1", 200, b"0123456789", None),
        ("bytes=a-b", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
        ("lines=0-1", 200, b"0123456789", None),
        ("bytes=" + "9" * 30 + "-", 200, b"0123456789", None),
    ],
)
def test_ranges(server: TestServer, alice: Client, asked: str, status: int, body: bytes | None, told: str | None) -> None:
    reply = download(server, alice, upload(server, alice, b"0123456789", "text/plain"), range=asked)
    assert reply.status == status
    assert body is None or reply.body == body
    assert reply.headers.get("Content-Range") == told


def test_validators(server: TestServer, alice: Client) -> None:
    path = upload(server, alice, b"0123456789", "text/plain")
    tag = download(server, alice, path).headers["ETag"]
    assert download(server, alice, upload(server, alice, b"0123456789", "text/plain")).headers["ETag"] == tag
    for known in (tag, f'"other", W/{tag}', "*"):
        reply = download(server, alice, path, if_none_match=known)
        assert (reply.status, reply.body, reply.headers["ETag"]) == (304, b"", tag)
    assert download(server, alice, path, if_none_match='"other"').status == 200
    assert download(server, alice, path, range="bytes=0-1", if_range=tag).status == 206
    assert download(server, alice, path, range="bytes=0-1", if_range='"other"').status == 200


def test_an_empty_file(server: TestServer, alice: Client) -> None:
    path = upload(server, alice, b"", "text/plain")
    assert download(server, alice, path).body == b""
    assert download(server, alice, path, range="bytes=0-").status == 416


def test_unknown_files(server: TestServer, alice: Client) -> None:
    for path in ("test/unknown", "elsewhere.example/unknown"):
        reply = download(server, alice, path)
        assert (reply.status, orjson.loads(reply.body)["errcode"]) == (404, "M_NOT_FOUND")


def test_a_record_without_its_file(server: TestServer, alice: Client, tmp_path: Path) -> None:
    path = upload(server, alice, b"a" * 10)
    for file in (tmp_path / "media" / "files").rglob("*"):
        if file.is_file():
            file.unlink()
    assert download(server, alice, path).status == 404


def test_nothing_outside_the_store(server: TestServer, alice: Client, tmp_path: Path) -> None:
    (tmp_path / "passwd").write_text("secret")
    upload(server, alice, b"a")
    before = sorted(tmp_path.rglob("*"))
    for origin in SERVERS:
        for media_id in TRAVERSALS:
            for method, path in (
                ("GET", f"/_matrix/client/v1/media/download/{origin}/{media_id}"),
                ("GET", f"/_matrix/client/v1/media/thumbnail/{origin}/{media_id}?width=32&height=32"),
                ("PUT", f"/_matrix/media/v3/upload/{origin}/{media_id}"),
            ):
                reply = call(server, alice, method, path, b"a" if method == "PUT" else None)
                assert 400 <= reply.status < 500, (method, path)
    assert sorted(tmp_path.rglob("*")) == before
