"""Connections to other servers over real TLS on loopback: whose certificates are believed, what is kept, and servers that do not behave."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred

from config.federation import Federation
from federation.discovery.address_policy import AddressPolicy
from federation.discovery.steps import Srv, Target
from federation.discovery.tls_transport import TlsTransport, place_of
from federation.errors import BadAnswer, Unreachable
from federation.transport import RemoteAnswer, collect
from homeserver.protocol.ids import ServerName
from homeserver.web.outgoing.https_pool import HttpsPool
from tests.federation.support.certificates import Authority
from tests.federation.support.loopback import Answering, LoopClock, given, listening, play, replies, tls
from tests.support.clock import SeededChance

OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}'
CLOSED = b'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 7\r\n\r\n{"a":1}'
URI = "/_matrix/key/v2/server"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def transport(authorities: Path | None, settings: Federation | None = None) -> TlsTransport:
    policy = AddressPolicy(settings or Federation(private_addresses=True))
    clock = LoopClock()
    pool = HttpsPool(asyncio.get_running_loop(), clock, permits=policy.permits, authorities=authorities)

    async def no_records(name: str) -> list[Srv]:
        return []

    return TlsTransport(pool, no_records, clock, SeededChance())


async def ask(way: TlsTransport, destination: str, most: int = 1000) -> tuple[int, bytes]:
    answer: RemoteAnswer = await way.request(destination, "GET", URI, {}, None)
    return answer.status, await collect(answer, most)


def with_server(
    authority: Authority,
    answering: Answering,
    work: Callable[[TlsTransport, int], Coroutine[Any, Any, Any]],
    names: tuple[str, ...] = ("localhost", "127.0.0.1"),
    settings: Federation | None = None,
    authorities: Path | None = None,
) -> Any:
    async def whole() -> Any:
        async with listening(answering, authority.certify(*names)) as port:
            way = transport(authorities or authority.file, settings)
            try:
                return await work(way, port)
            finally:
                way.close()

    return play(whole())


def test_a_server_is_asked_by_name_and_by_address(authority: Authority) -> None:
    seen: list[bytes] = []

    async def work(way: TlsTransport, port: int) -> None:
        assert await given(ask(way, f"localhost:{port}")) == (200, b'{"a":1}')
        assert await given(ask(way, f"127.0.0.1:{port}")) == (200, b'{"a":1}')
        assert [f"Host: localhost:{port}".encode() in seen[0], f"Host: 127.0.0.1:{port}".encode() in seen[1]] == [True, True]

    with_server(authority, replies(OK, seen=seen), work)


def test_a_server_is_known_by_a_name_that_says_no_port(authority: Authority) -> None:
    """Then the name is a `ServerName` all the way to TLS."""

    async def work(way: TlsTransport, port: int) -> None:
        place = place_of(Target("127.0.0.1", port, ServerName.parse("localhost"), "localhost"))
        pool = HttpsPool(asyncio.get_running_loop(), LoopClock(), permits=lambda address: True, authorities=authority.file)
        assert (await given(pool.request(place, "GET", URI, {}, None))).status == 200
        pool.close()

    with_server(authority, replies(OK), work, names=("localhost",))


def test_a_server_is_told_which_name_is_meant(authority: Authority) -> None:
    """SNI: the name that the certificate is for, which may not be that of the place; an address is no such name."""
    named: list[str | None] = []

    async def work() -> None:
        context = tls(authority.certify("localhost", "127.0.0.1"))
        context.sni_callback = lambda _, name, __: named.append(name)
        server = await asyncio.start_server(replies(OK), "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        pool = HttpsPool(asyncio.get_running_loop(), LoopClock(), permits=lambda address: True, authorities=authority.file)
        for target in (Target("127.0.0.1", port, "localhost", "localhost"), Target("127.0.0.1", port, "127.0.0.1", "127.0.0.1")):
            assert (await given(pool.request(place_of(target), "GET", URI, {}, None))).status == 200
        pool.close()
        server.close()

    play(work())
    assert named == ["localhost", None]


def test_a_connection_is_kept_and_one_that_was_closed_is_made_anew(authority: Authority) -> None:
    connections = 0

    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await replies(OK, OK)(reader, writer)

    async def work(way: TlsTransport, port: int) -> None:
        for _ in range(4):
            assert await given(ask(way, f"localhost:{port}")) == (200, b'{"a":1}')

    with_server(authority, answering, work)
    assert connections == 2


def test_a_server_that_wants_to_close_is_let_go(authority: Authority) -> None:
    async def work(way: TlsTransport, port: int) -> None:
        for _ in range(3):
            assert await given(ask(way, f"localhost:{port}")) == (200, b'{"a":1}')

    with_server(authority, replies(CLOSED), work)


async def refused(way: TlsTransport, destination: str) -> None:
    with pytest.raises(Unreachable):
        await given(ask(way, destination))


def test_certificates_of_others_are_not_believed(authority: Authority, tmp_path: Path) -> None:
    seen: list[bytes] = []
    with_server(authority, replies(OK, seen=seen), lambda way, port: refused(way, f"localhost:{port}"), names=("other.test",))
    stranger = Authority(tmp_path)
    with_server(authority, replies(OK, seen=seen), lambda way, port: refused(way, f"localhost:{port}"), authorities=stranger.file)
    with_server(authority, replies(OK, seen=seen), lambda way, port: refused(way, f"127.0.0.1:{port}"), names=("localhost",))
    assert seen == []


@pytest.mark.parametrize(
    "name", ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "localhost.", "0.0.0.0", "0177.0.0.1"]
)
def test_private_addresses_are_not_reached_unless_the_settings_say_so(authority: Authority, name: str) -> None:
    hits = 0

    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal hits
        hits += 1
        writer.close()

    async def whole() -> None:
        async with listening(answering, None) as port:
            await refused(transport(authority.file, Federation()), f"{name}:{port}")

    play(whole())
    assert hits == 0


def test_addresses_by_the_settings() -> None:
    allowed = AddressPolicy(Federation(allowed_addresses=("10.1.0.0/16",), denied_addresses=("10.1.2.3", "9.9.9.0/24")))
    answers = {
        text: allowed.permits(text) for text in ("10.1.1.1", "10.1.2.3", "10.2.0.1", "9.9.9.9", "8.8.8.8", "::ffff:10.1.2.3", "fe80::1%1")
    }
    assert [text for text, permitted in answers.items() if permitted] == ["10.1.1.1", "8.8.8.8"]


MISBEHAVING = {
    "no HTTP": b"SSH-2.0-OpenSSH\r\n\r\n",
    "cut off": b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a":1}',
    "cut off in a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{",
    "nothing": b"",
    "a head without end": b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 400_000,
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"X-A: a\r\n" * 5_000 + b"\r\n",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
}


@pytest.mark.parametrize("what", MISBEHAVING)
def test_servers_that_do_not_behave(authority: Authority, what: str) -> None:
    with_server(authority, replies(MISBEHAVING[what]), lambda way, port: refused(way, f"localhost:{port}"))


def test_an_answer_without_end_is_cut(authority: Authority) -> None:
    sent = 0

    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(b"10000\r\n" + b" " * 65_536 + b"\r\n")
                await writer.drain()
                await asyncio.sleep(0)
                sent += 65_536
        except OSError:
            writer.close()

    async def work(way: TlsTransport, port: int) -> None:
        with pytest.raises(BadAnswer):
            await given(ask(way, f"localhost:{port}", 1_000_000))
        answer: RemoteAnswer = await given(way.request(f"localhost:{port}", "GET", URI, {}, None))
        before = sent
        await asyncio.sleep(0.3)  # nobody reads: no more than the buffers between us may come
        assert sent - before < 16_000_000
        answer.abort()

    with_server(authority, answering, work)


def test_interim_answers_and_bodies_without_length(authority: Authority) -> None:
    async def work(way: TlsTransport, port: int) -> None:
        assert await given(ask(way, f"localhost:{port}")) == (201, b"to the end")

    with_server(authority, replies(b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 201 Created\r\n\r\nto the end"), work)


def test_what_would_be_two_requests_is_not_sent(authority: Authority) -> None:
    async def work(way: TlsTransport, port: int) -> None:
        for uri, headers in (("/a\r\nHost: b", {}), ("/a b", {}), ("/ü", {}), ("/a", {"X-A": "a\r\nX-B: b"})):
            with pytest.raises(Unreachable):
                await given(way.request(f"localhost:{port}", "GET", uri, headers, None))

    with_server(authority, replies(OK), work)


def test_a_server_that_never_speaks_tls_is_given_up_with_its_request(authority: Authority) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def whole() -> None:
        async with listening(silent, None) as port:
            asking = Deferred.fromCoroutine(ask(transport(authority.file), f"localhost:{port}"))
            await asyncio.sleep(0.1)
            asking.cancel()
            with pytest.raises(CancelledError):
                await asking.asFuture(asyncio.get_running_loop())

    play(whole())
