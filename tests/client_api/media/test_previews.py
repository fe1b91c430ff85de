"""Previews over a web that is a dict: what is told, what is kept, where it ends."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from config.media import Media
from homeserver.outside import Fetched, Unreachable
from homeserver.streams import Streams
from storage.drivers.threads import NoThreads
from tests.client_api.media.samples import download, png, png_bomb
from tests.support.client import Client, run
from tests.support.clock import FakeClock, SeededChance
from tests.support.server import TestServer, test_config
from tests.support.storage import open_memory_database

PREVIEW = "/_matrix/client/v1/media/preview_url"
PAGE = b"""<title>Title</title><meta name="description" content="About"><meta property="og:image" content="/a.png">
<meta property="og:site_name" content="Site">"""


class Web:
    """What there is, by address; what was asked for."""

    def __init__(self) -> None:
        self.pages: dict[str, Fetched] = {}
        self.asked: list[str] = []

    def put(self, url: str, body: bytes, content_type: str = "text/html", status: int = 200, location: str | None = None) -> None:
        self.pages[url] = Fetched(status, content_type, location, body, True)

    async def post(self, url: str, body: bytes, *, most_bytes: int, seconds: float) -> Fetched:
        raise Unreachable

    async def get(self, url: str, *, accept: str, most_bytes: int, seconds: float) -> Fetched:
        assert 0 < seconds <= 10
        self.asked.append(url)
        if url not in self.pages:
            raise Unreachable
        found = self.pages[url]
        return found._replace(body=found.body[:most_bytes], whole=len(found.body) <= most_bytes)


@pytest.fixture
def web() -> Web:
    return Web()


def make(directory: Path, web: Web, **media: Any) -> TestServer:
    from homeserver.main import build

    clock, streams = FakeClock(), Streams()
    database = run(open_memory_database(streams))
    config = test_config(directory, media=Media(**media))
    server = run(build(config, clock=clock, chance=SeededChance(), threads=NoThreads(), database=database, streams=streams, outside=web))
    return TestServer(server, clock, database)


@pytest.fixture
def server(tmp_path: Path, web: Web) -> TestServer:
    return make(tmp_path, web)


def preview(server: TestServer, client: Client, url: str, path: str = PREVIEW) -> tuple[int, Any]:
    return server.run(client.get(path, {"url": url, "ts": 1}))


def test_a_page_with_its_picture(server: TestServer, alice: Client, web: Web) -> None:
    web.put("https://example.org/", PAGE)
    web.put("https://example.org/a.png", png(30, 20), "image/png")
    image = ""
    for path in (PREVIEW, "/_matrix/media/v3/preview_url", "/_matrix/media/r0/preview_url"):
        status, told = preview(server, alice, "https://example.org#part", path)
        assert status == 200
        image = told.pop("og:image")
        assert told == {
            "og:title": "Title",
            "og:description": "About",
            "og:site_name": "Site",
            "og:image:type": "image/png",
            "og:image:width": 30,
            "og:image:height": 20,
            "matrix:image:size": len(png(30, 20)),
        }
    assert web.asked == ["https://example.org/", "https://example.org/a.png"]
    found = download(server, alice, image.removeprefix("mxc://"))
    assert (found.body, found.content_type) == (png(30, 20), "image/png")


def test_who_may_ask(server: TestServer, alice: Client, web: Web, tmp_path: Path) -> None:
    assert preview(server, server.client, "https://example.org/")[0] == 401
    guest = server.ok(server.client.post("/_matrix/client/v3/register?kind=guest", {}))["access_token"]
    assert preview(server, server.client.with_token(guest), "https://example.org/")[0] == 403
    off = make(tmp_path, web, url_previews=False)
    for house, asker, allowed in ((server, alice, True), (off, off.user("bob"), False)):
        told = house.ok(asker.get("/_matrix/client/v3/capabilities"))["capabilities"]
        assert told["io.element.msc4452.preview_url"] == {"enabled": allowed}
    assert preview(off, off.user("alice"), "https://example.org/")[1]["errcode"] == "M_UNRECOGNIZED"
    assert web.asked == []


def test_wrong_addresses(server: TestServer, alice: Client, web: Web) -> None:
    assert server.run(alice.get(PREVIEW))[1]["errcode"] == "M_MISSING_PARAM"
    assert preview(server, alice, "file:///etc/passwd")[1]["errcode"] == "M_INVALID_PARAM"
    status, answer = preview(server, alice, "https://nowhere.example/")
    assert (status, answer["errcode"]) == (404, "M_NOT_FOUND")
    preview(server, alice, "https://nowhere.example/")
    assert web.asked == ["https://nowhere.example/"]  # a failure is remembered for a while
    server.clock.advance(301)
    preview(server, alice, "https://nowhere.example/")
    assert len(web.asked) == 2


def test_previews_are_made_again_after_a_while(server: TestServer, alice: Client, web: Web) -> None:
    web.put("https://example.org/", b"<title>One</title>")
    assert preview(server, alice, "https://example.org/") == (200, {"og:title": "One"})
    web.put("https://example.org/", b"<title>Two</title>")
    assert preview(server, alice, "https://example.org/") == (200, {"og:title": "One"})
    server.clock.advance(3601)
    assert preview(server, alice, "https://example.org/") == (200, {"og:title": "Two"})


def test_redirects(server: TestServer, alice: Client, web: Web) -> None:
    web.put("http://example.org/", b"", status=301, location="//example.com/a/")
    web.put("http://example.com/a/", b"", status=307, location="b")
    web.put("http://example.com/a/b", b"<title>End</title><meta property=og:image content=c.png>")
    web.put("http://example.com/a/c.png", png(), "image/png")
    assert preview(server, alice, "http://example.org/")[1]["og:title"] == "End"
    assert web.asked[-1] == "http://example.com/a/c.png"
    web.put("http://example.org/loop", b"", status=302, location="/loop")
    web.put("http://example.org/file", b"", status=302, location="file:///etc/passwd")
    web.put("http://example.org/missing", b"", status=404)
    web.put("http://example.org/nowhere", b"", status=302, location="//[")
    for name in ("loop", "file", "missing", "nowhere"):
        assert preview(server, alice, f"http://example.org/{name}")[0] == 404


def test_oembed(server: TestServer, alice: Client, web: Web) -> None:
    web.put("http://example.org/", b'<link type="application/json+oembed" href="/o?a=1&amp;b=2"><title>Page</title>')
    told = {"title": "Embedded", "provider_name": "Provider", "author_name": 5, "type": "photo", "url": "http://example.org/a.png"}
    web.put("http://example.org/o?a=1&b=2", orjson.dumps(told), "application/json")
    web.put("http://example.org/a.png", png(), "image/png")
    found = preview(server, alice, "http://example.org/")[1]
    assert (found["og:title"], found["og:site_name"], "og:image" in found) == ("Page", "Provider", True)
    for number, body in enumerate((b"{", b"[]", b'{"thumbnail_url": 5}')):
        web.put("http://example.org/o?a=1&b=2", body, "application/json")
        web.put(f"http://example.org/{number}", b'<link type="application/json+oembed" href="/o?a=1&amp;b=2">')
        assert preview(server, alice, f"http://example.org/{number}") == (200, {})


@pytest.mark.parametrize(
    "picture", [b"<svg/>", b"%!PS", b"\x89PNG\r\n\x1a\n", png_bomb(), b"\x89PNG\r\n\x1a\n" + bytes(10 * 2**20)], ids=range(5)
)
def test_pictures_that_are_none(server: TestServer, alice: Client, web: Web, picture: bytes) -> None:
    web.put("http://example.org/", b'<title>A</title><meta property="og:image" content="a.png">')
    web.put("http://example.org/a.png", picture, "image/png")
    assert preview(server, alice, "http://example.org/") == (200, {"og:title": "A"})


def test_addresses_in_pages_that_are_none(server: TestServer, alice: Client, web: Web) -> None:
    web.put("http://example.org/1", b'<title>A</title><meta property="og:image" content="http://[">')
    web.put("http://example.org/2", b'<title>A</title><link type="application/json+oembed" href="//[">')
    for number in (1, 2):
        assert preview(server, alice, f"http://example.org/{number}") == (200, {"og:title": "A"})


def test_other_kinds_of_content(server: TestServer, alice: Client, web: Web) -> None:
    web.put("http://example.org/a.png", png(), "image/png")
    web.put("http://example.org/a.pdf", b"%PDF-", "application/pdf")
    web.put("http://example.org/none", b"<title>A</title>", "")
    assert preview(server, alice, "http://example.org/a.png")[1]["matrix:image:size"] == len(png())
    assert preview(server, alice, "http://example.org/a.pdf") == (200, {})
    assert preview(server, alice, "http://example.org/none") == (200, {})
