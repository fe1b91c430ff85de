"""Previews by the real server over real sockets: private addresses in every spelling, redirects to them, slow and endless answers."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from homeserver.web.outgoing.addresses import is_public
from tests.client_api.media.samples import png
from tests.running.process import SERVE, Running
from tests.support.site import serve_site
from tests.web.edge.test_listen import make_certificate


@pytest.fixture
def site() -> Iterator[tuple[int, list[str]]]:
    with serve_site() as served:
        yield served


@pytest.fixture
def secure_site(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """The same over TLS; its port and its certificate, which only those know who are told."""
    certificate, key = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serve_site(context) as (port, _):
        yield port, certificate


def start(folder: Path, *words: str, **environment: str) -> Running:
    needed = ("--data", str(folder / "data"), "--name", "test.example", "--client", "127.0.0.1:0", "--cheap-passwords", "--no-limits")
    return Running([SERVE, *needed, *words], folder, **environment)


def token(server: Running) -> str:
    body = {"username": "alice", "password": "secret secret", "auth": {"type": "m.login.dummy"}}
    status, answer = server.ask("POST", "/_matrix/client/v3/register", body)
    assert status == 200, answer
    return str(answer["access_token"])


def preview_path(url: str) -> str:
    return f"/_matrix/client/v1/media/preview_url?url={quote(url, safe='')}"


SPELLINGS = (
    "127.0.0.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "127.1",
    "[::ffff:127.0.0.1]",
    "[::1]",
    "localhost",
    "localhost.",
    "0.0.0.0",
    "0",
)


def test_private_addresses_are_not_reached(tmp_path: Path, site: tuple[int, list[str]]) -> None:
    port, hits = site
    with start(tmp_path) as server:
        alice = token(server)
        for host in SPELLINGS:
            status, answer = server.ask("GET", preview_path(f"http://{host}:{port}/"), token=alice)
            assert status in (400, 404), (host, answer)
    assert hits == []


def test_previews_over_real_sockets(tmp_path: Path, site: tuple[int, list[str]]) -> None:
    port, hits = site
    with start(tmp_path, "--set", "outgoing.private_addresses=true") as server:
        alice = token(server)
        status, answer = server.ask("GET", preview_path(f"http://127.0.0.1:{port}/there"), token=alice)
        assert (status, answer["og:title"], answer["matrix:image:size"]) == (200, "Site", len(png()))
        assert hits == ["/there", "/", "/a.png"]
        status, answer = server.ask("GET", preview_path(f"http://localhost:{port}/endless"), token=alice)
        assert (status, answer) == (200, {"og:title": "Endless"})
        for name in ("packed", "headers", "broken"):
            assert server.ask("GET", preview_path(f"http://localhost:{port}/{name}"), token=alice)[0] == 404
        assert server.ask("GET", preview_path(f"https://localhost:{port}/"), token=alice)[0] == 404  # no TLS there


def test_certificates_are_checked(tmp_path: Path, site: tuple[int, list[str]], secure_site: tuple[int, Path]) -> None:
    port, certificate = secure_site
    _, hits = site
    for name, environment, status in (("unknown", {}, 404), ("known", {"SSL_CERT_FILE": str(certificate)}, 200)):
        (tmp_path / name).mkdir()
        with start(tmp_path / name, "--private-addresses", **environment) as server:
            alice = token(server)
            assert server.ask("GET", preview_path(f"https://localhost:{port}/"), token=alice)[0] == status
            assert server.ask("GET", preview_path(f"https://127.0.0.1:{port}/"), token=alice)[0] == 404  # another name
    assert hits == []


@pytest.mark.slow
def test_a_byte_now_and_then(tmp_path: Path, site: tuple[int, list[str]]) -> None:
    port, hits = site
    with start(tmp_path, "--private-addresses") as server:
        assert server.ask("GET", preview_path(f"http://127.0.0.1:{port}/slow"), token=token(server))[0] == 404
    assert hits == ["/slow"]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::",
        "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1", "no address", "",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)
