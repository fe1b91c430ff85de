"""Web pages: what is read of them, and that it takes a bounded time whatever they hold."""

import pytest

from homeserver.errors import InvalidParam
from homeserver.media.previews.page import MOST_TEXT, decode, read_page
from homeserver.media.previews.preview import checked_url

PAGE = """<!DOCTYPE html><html><head><title>A &amp; B
  title</title><!-- <meta property="og:title" content="commented"> -->
<script>document.write('<meta property="og:title" content="scripted">')</script>
<META Property='og:title' CONTENT='Sch&ouml;n'><meta property="og:title" content="second"/>
<meta name=description content=plain><meta property="og:image" content="/a.png?x=1&amp;y=2">
<link rel="alternate" type="application/json+oembed" href="https://example.org/oembed?a=1&amp;b=2">
</head><body><p>İ<meta property="og:type" content="website"></body>"""


def test_a_page() -> None:
    page = read_page(PAGE)
    assert page.meta == {"og:title": "Schön", "description": "plain", "og:image": "/a.png?x=1&y=2", "og:type": "website"}
    assert page.title == "A & B title"
    assert page.oembed == "https://example.org/oembed?a=1&b=2"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<",
        "<" * 1_000_000,
        "<div>" * 100_000 + "<meta property='og:title' content='deep'>",
        "<meta " + "a=" * 500_000,
        "<!--" * 200_000,
        "<script>" * 100_000,
        "<title>" + "a" * 1_000_000,
        "<meta property='og:title' content='" + "a" * 8_000 + "'>",
        "<meta " + "a" * 8_000 + ">",
        "<a " + "'" * 1_000_000 + ">",
        "&" * 1_000_000,
        "<meta name=x content='" + "&" * 8_000 + "'>",
    ],
)
def test_hostile_pages(text: str) -> None:
    page = read_page(text)
    assert all(len(value) <= MOST_TEXT for value in page.meta.values())
    assert "deep" not in page.meta.values()


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("ä".encode(), "text/html", "ä"),
        ("ä".encode("latin-1"), "text/html; charset=ISO-8859-1", "ä"),
        ('<meta charset="shift_jis">猫'.encode("shift_jis"), "text/html", '<meta charset="shift_jis">猫'),
        (b"a\xff", "text/html; charset=utf-8", "a\ufffd"),
        (b"a", "text/html; charset=zip_codec", "a"),
        (b"a", "text/html; charset=\u732b", "a"),
    ],
)
def test_character_sets(body: bytes, content_type: str, text: str) -> None:
    assert decode(body, content_type) == text


@pytest.mark.parametrize(
    "url",
    [
        "", "a", "//example.org", "ftp://example.org", "javascript:alert(1)", "data:text/html,a", "file:///etc/passwd", "http://",
        "http://user:secret@example.org/", "http://example.org:port/", "http://[::1/", "http://example.org/a b", "http://example.org/\r\nHost: a",
        "http://example.org/" + "a" * 2048, "http://\x00/",
    ],
)  # fmt: skip
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(InvalidParam):
        checked_url(url)


def test_addresses() -> None:
    assert checked_url("HTTPS://Example.ORG#part") == "https://example.org/"
    assert checked_url("http://müller.example:8080/ä?ö=ü") == "http://xn--mller-kva.example:8080/%C3%A4?%C3%B6=%C3%BC"
    assert checked_url("http://[2001:db8::1]:80/a") == "http://[2001:db8::1]:80/a"
