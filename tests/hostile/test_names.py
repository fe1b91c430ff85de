"""Names that lead astray: delegation in circles, to places inside, to names that change what they are (RELIABILITY, row 26)."""

import asyncio
from collections.abc import Callable

import pytest

from federation.discovery.steps import Srv
from federation.discovery.well_known import MOST_REDIRECTS
from federation.errors import FederationError
from tests.federation.support.certificates import Authority
from tests.hostile.support.names import PRIVATE, PUBLIC, WELL_KNOWN, Page, Web, page, redirect

KEY = page(b'{"a":1}')
FILE = ("evil.test", WELL_KNOWN)
Lie = Callable[[Web], object]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


async def without_end(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"4000\r\n" + b" " * 16_384 + b"\r\n")
        await writer.drain()


def delegates(text: str) -> Lie:
    return file_of(page(b'{"m.server":"%b"}' % text.encode()))


def file_of(found: Page) -> Lie:
    def lie(web: Web) -> None:
        web.pages[FILE] = found

    return lie


def in_a_circle(web: Web) -> None:
    web.pages[FILE] = redirect("https://other.test/1")
    web.pages["other.test", "/1"] = redirect("https://evil.test" + WELL_KNOWN)


def ever_further(web: Web) -> None:
    web.pages[FILE] = redirect("/1")
    web.pages |= {("evil.test", f"/{number}"): redirect(f"/{number + 1}") for number in range(1, 50)}


def by_record(web: Web) -> None:
    web.records["_matrix-fed._tcp.evil.test"] = [Srv(0, 0, "inside.test", 22), Srv(1, 0, "10.0.0.1", 80)]


def changes(web: Web) -> None:
    """Public when it is asked for its file, private afterwards."""
    web.addresses["evil.test"] = [[PUBLIC], ["127.0.0.1"]]


def is_both(web: Web) -> None:
    web.addresses["evil.test"] = [[PUBLIC, "127.0.0.1"]]


ASTRAY: dict[str, Lie] = {
    "redirected in a circle": in_a_circle,
    "redirected ever further": ever_further,
    "redirected to a place inside": file_of(redirect("https://inside.test/latest/meta-data")),
    "redirected to an address inside": file_of(redirect("https://169.254.169.254/latest/meta-data")),
    "redirected out of TLS": file_of(redirect("http://other.test/x")),
    "redirected to no place": file_of(redirect("https://other.test:99999/x")),
    "redirected to a file": file_of(redirect("file:///etc/passwd")),
    "delegated to a name inside": delegates("inside.test"),
    "delegated to loopback": delegates("127.0.0.1:22"),
    "delegated to loopback by its number": delegates("2130706433:22"),
    "delegated to loopback, written long": delegates("[::ffff:127.0.0.1]:22"),
    "delegated to no name": delegates("no name"),
    "delegated by a file without end": file_of(without_end),
    "delegated by a large file": file_of(page(b'{"m.server":"good.test","x":"' + b"x" * 60_000 + b'"}')),
    "recorded at a place inside": by_record,
    "public first and private then": changes,
    "public and private": is_both,
}
LEADS_SOMEWHERE = {name for name in ASTRAY if name.startswith("redirected") or name == "delegated to no name"} | {
    "delegated by a file without end",
    "delegated by a large file",
}


def honest(web: Web) -> None:
    """The control: a name that delegates to another, by TLS, is answered for by that."""
    web.pages["good.test", WELL_KNOWN] = page(b'{"m.server":"other.test"}')
    web.pages["other.test", "/key"] = KEY
    assert web.ask("good.test") == (200, b'{"a":1}')
    assert web.asked[-2:] == [("good.test", WELL_KNOWN), ("other.test", "/key")]


@pytest.mark.parametrize("name", ASTRAY)
def test_no_name_leads_inside(authority: Authority, name: str) -> None:
    web = Web(authority)
    web.pages["evil.test", "/key"] = KEY
    ASTRAY[name](web)
    if name in LEADS_SOMEWHERE:  # what delegates to nowhere does not delegate
        assert web.ask("evil.test") == (200, b'{"a":1}')
        assert web.connected[-1] == (PUBLIC, 8448)
    else:
        with pytest.raises(FederationError):
            web.ask("evil.test")
    assert {address for address, _ in web.connected} <= {PUBLIC}
    assert len(web.asked) <= MOST_REDIRECTS + 2
    honest(web)


@pytest.mark.parametrize("address", PRIVATE)
def test_no_address_inside_is_reached(authority: Authority, address: str) -> None:
    web = Web(authority)
    web.addresses["evil.test"] = [[address]]
    for name in ("evil.test", f"[{address}]" if ":" in address else address):
        with pytest.raises(FederationError):
            web.ask(name)
    assert web.connected == []
    honest(web)
