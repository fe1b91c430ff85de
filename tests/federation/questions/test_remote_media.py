"""Files of one server for the users of another: in two parts, openly as old servers give them, elsewhere; and such as never end."""

from collections.abc import AsyncGenerator, Iterator
from typing import Any

import orjson
import pytest

from config.media import Media
from federation.asking.media import FederatedMedia, file_name_of
from federation.asking.multipart import TwoParts, boundary_of
from federation.client import Ask, Query, v1
from federation.errors import BadAnswer, RemoteRefused
from homeserver.errors import NotYetUploaded, RemoteTooLarge
from homeserver.media.remote import RemoteFile
from homeserver.outside import Fetched, NoOutside
from homeserver.web.endpoint import Access, Answer, Body, Rate, Reply, endpoint
from homeserver.web.request import Request
from tests.client_api.media.samples import png, upload
from tests.federation.support.town import Town
from tests.support.client import Client, dispatch_for, run

DOWNLOAD = "/_matrix/client/v1/media/download/"
THUMBNAIL = "/_matrix/client/v1/media/thumbnail/"


@pytest.fixture
def alice(town: Town) -> Client:
    return town.user("a.test", "alice")


def test_a_file_is_fetched_once_and_then_served(town: Town, alice: Client) -> None:
    bob = town.user("b.test", "bob")
    data = bytes(range(256)) * 2_000
    where = upload(town["b.test"], bob, data, "text/plain", 'a "näme".txt')
    for _ in range(2):
        reply = town.run(alice.call("GET", DOWNLOAD + where))
        assert (reply.status, reply.body, reply.content_type) == (200, data, "text/plain")
        assert "n%C3%A4me" in reply.headers["Content-Disposition"]
    assert len([passed for passed in town.network.passed if "/media/" in passed.uri]) == 1
    assert town.run(alice.json("GET", DOWNLOAD + "b.test/unknown"))[0] == 404
    assert town.run(alice.json("GET", DOWNLOAD + "c.test/unknown"))[0] == 404


def test_thumbnails_are_made_here_and_given_to_servers(town: Town, alice: Client) -> None:
    bob = town.user("b.test", "bob")
    where = upload(town["b.test"], bob, png(100, 100))
    size: Query = {"width": 32, "height": 32, "method": "crop"}
    reply = town.run(alice.call("GET", THUMBNAIL + where, query=size))
    assert (reply.status, reply.body[:4]) == (200, b"\x89PNG")
    client = town["a.test"].federation.reach.client
    media_id = where.partition("/")[2]
    told = town.run(client.bytes_of(Ask("GET", "b.test", v1("media", "thumbnail", media_id), size)))
    assert b"Content-Type: image/png" in told
    assert reply.body in told
    wrong: tuple[Query, ...] = ({"width": 32}, {"width": 0, "height": 1}, {**size, "method": "x"})
    for query in wrong:
        with pytest.raises(RemoteRefused) as refused:
            town.run(client.bytes_of(Ask("GET", "b.test", v1("media", "thumbnail", media_id), query)))
        assert refused.value.remote_status == 400
    text = upload(town["b.test"], bob, b"text", "text/plain").partition("/")[2]
    with pytest.raises(RemoteRefused) as refused:
        town.run(client.bytes_of(Ask("GET", "b.test", v1("media", "thumbnail", text), size)))
    assert refused.value.remote_errcode == "M_UNKNOWN"


def test_a_file_that_is_announced_is_waited_for(town: Town, alice: Client) -> None:
    bob = town.user("b.test", "bob")
    uri = town["b.test"].ok(bob.post("/_matrix/media/v1/create"))["content_uri"].removeprefix("mxc://")
    status, answer = town.run(alice.json("GET", DOWNLOAD + uri, query={"timeout_ms": 1_000}))
    assert (status, answer["errcode"]) == (504, "M_NOT_YET_UPLOADED")
    assert town["a.test"].federation.reach.outages.of("b.test") is None


class OldServer:
    """Knows the deprecated endpoint alone."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    @endpoint("GET", "/_matrix/media/v3/download/{server_name}/{media_id}", access=Access.NONE, rate=Rate.NONE, body=Body.NONE)
    async def download(self, request: Request, server_name: str, media_id: str) -> Answer:
        self.asked.append(request)
        return Reply(b"old", content_type="text/plain", headers={"Content-Disposition": 'inline; filename="x.txt"', "Content-Length": "3"})


def test_old_servers_are_asked_openly(town: Town, alice: Client) -> None:
    old = OldServer()
    town.network.join("b.test", dispatch_for(old))
    reply = town.run(alice.call("GET", DOWNLOAD + "b.test/abc"))
    assert (reply.status, reply.body) == (200, b"old")
    assert 'filename="x.txt"' in reply.headers["Content-Disposition"]
    assert old.asked[0].text("allow_remote") == "false"
    assert "authorization" not in old.asked[0].headers


class Telling:
    """A server that answers with what the test says."""

    def __init__(self, body: bytes, kind: str = "multipart/mixed; boundary=b") -> None:
        self.reply = Reply(body, content_type=kind)

    @endpoint("GET", "/_matrix/federation/v1/media/download/{media_id}", access=Access.NONE, rate=Rate.NONE, body=Body.NONE)
    async def download(self, request: Request, media_id: str) -> Answer:
        return self.reply


class Elsewhere(NoOutside):
    def __init__(self, fetched: Fetched) -> None:
        self.fetched = fetched
        self.asked: list[str] = []

    async def get(self, url: str, *, accept: str, most_bytes: int, seconds: float) -> Fetched:
        self.asked.append(url)
        return self.fetched


async def content_of(file: RemoteFile | None) -> bytes | None:
    return None if file is None else b"".join([piece async for piece in file.pieces()])


def test_files_that_lie_elsewhere_are_fetched_with_care(town: Town) -> None:
    town.network.join("b.test", dispatch_for(Telling(b"--b\r\n\r\n{}\r\n--b\r\nLocation: https://cdn.example/x\r\n\r\n\r\n--b--")))
    outside = Elsewhere(Fetched(200, "image/png", None, b"data", whole=True))
    media = FederatedMedia(Media(), town["a.test"].federation.reach.client, outside, town.clock)
    file = town.run(media.fetch("b.test", "x", timeout_ms=1_000))
    assert file is not None
    assert (outside.asked, file.content_type, town.run(content_of(file))) == (["https://cdn.example/x"], "image/png", b"data")
    outside.fetched = outside.fetched._replace(status=404)
    assert town.run(media.fetch("b.test", "x", timeout_ms=1_000)) is None
    outside.fetched = outside.fetched._replace(status=200, whole=False)
    with pytest.raises(RemoteTooLarge):
        town.run(media.fetch("b.test", "x", timeout_ms=1_000))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b\r\n\r\n{}\r\n--b--\r\n",
        b"--b\r\n\r\n{}",
        b"no parts",
        b"--b\r\n\r\n{}\r\n--b\r\nContent-Type: text/plain\r\n\r\nhalf",
        b"-" * 100_000,
    ],
)
def test_broken_answers_are_no_files(town: Town, alice: Client, body: bytes) -> None:
    town.network.join("b.test", dispatch_for(Telling(body)))
    status, answer = town.run(alice.json("GET", DOWNLOAD + "b.test/abc"))
    assert status in (404, 502), answer
    town.network.join("b.test", dispatch_for(Telling(b"<html>", "text/html")))
    assert town.run(alice.json("GET", DOWNLOAD + "b.test/abc"))[0] == 404


def test_a_refusal_says_what_it_means(town: Town) -> None:
    media = FederatedMedia(Media(), town["a.test"].federation.reach.client, NoOutside(), town.clock)
    for errcode, status, error in (("M_TOO_LARGE", 502, RemoteTooLarge), ("M_NOT_YET_UPLOADED", 504, NotYetUploaded)):
        telling = Telling(b"")
        telling.reply = Reply({"errcode": errcode, "error": ""}, status)
        town.network.join("b.test", dispatch_for(telling))
        with pytest.raises(error):
            town.run(media.fetch("b.test", "x", timeout_ms=1_000))


def pieces_of(data: bytes, size: int) -> Any:
    pieces: Iterator[bytes] = iter([data[start : start + size] for start in range(0, len(data), size)])

    async def read() -> bytes:
        return next(pieces, b"")

    return read


@pytest.mark.parametrize("content", [b"", b"x", b"\r\n--", b"\r\n--bX no\r\n-\r\n--" * 9, b"\r\n\r\n"])
def test_two_parts_however_they_are_cut(content: bytes) -> None:
    """The boundary that is given is `bXYZ`; what only begins like it belongs to the file."""
    whole = (
        b"preamble\r\n--bXYZ\r\nContent-Type: application/json\r\n\r\n{}\r\n--bXYZ \r\nA: 1\r\nContent-Type:x/y \r\n\r\n"
        + content
        + b"\r\n--bXYZ--\r\nrest"
    )
    plain = b"--bXYZ\r\n\r\n{}\r\n--bXYZ\r\n\r\n" + content + b"\r\n--bXYZ--"

    async def read(data: bytes, size: int) -> tuple[dict[str, str], bytes]:
        parts = TwoParts(pieces_of(data, size), b"bXYZ")
        head = dict(await parts.head())
        stream: AsyncGenerator[bytes, None] = parts.pieces()
        return head, b"".join([piece async for piece in stream])

    for size in (1, 2, 3, 7, 10_000):
        assert run(read(whole, size)) == ({"a": "1", "content-type": "x/y"}, content)
        assert run(read(plain, size)) == ({}, content)


def test_boundaries_and_names() -> None:
    assert boundary_of('Multipart/Mixed; charset=x; Boundary="a b"') == b"a b"
    for kind in ("", "multipart/mixed", "multipart/mixed; boundary=", "text/html; boundary=a", "multipart/mixed; boundary=" + "a" * 71):
        with pytest.raises(BadAnswer):
            boundary_of(kind)
    names = {
        "inline": None,
        "attachment; filename=a.txt": "a.txt",
        'attachment; filename="a \\"b\\".txt"': 'a "b".txt',
        "attachment; filename=x; filename*=utf-8''n%C3%A4me": "näme",
        "attachment; filename*=utf-8''": None,
    }
    assert {header: file_name_of(header) for header in names} == names
    assert file_name_of(None) is None
    assert orjson.dumps(file_name_of('inline; filename="' + "a" * 10_000 + '"')) == b"null"
