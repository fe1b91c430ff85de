"""Real sockets: TCP, TLS and unix, on the loop that the server uses; and a whole process with the real reactor."""

import asyncio
import signal
import ssl
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from twisted.internet.defer import Deferred

from homeserver.web.listen import Address, Listener
from tests.support.client import dispatch_for
from tests.support.clock import FakeClock
from tests.web.edge.wire import Samples, make_edge

REQUEST = b"GET /echo/hi HTTP/1.1\r\nHost: a\r\n\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def exchange(address: Address, connect: Callable[[Listener], Awaitable[Streams]], data: bytes = REQUEST, until: bytes = b'"}') -> bytes:
    """Listen, connect, send, and read until the answer has ended."""

    async def play() -> bytes:
        edge = make_edge(dispatch_for(Samples()), FakeClock())
        listener = Listener(edge, asyncio.get_running_loop())
        await Deferred.fromCoroutine(listener.open(address)).asFuture(asyncio.get_running_loop())
        reader, writer = await connect(listener)
        writer.write(data)
        answer = await asyncio.wait_for(reader.readuntil(until), 10)
        listener.close()
        Deferred.fromCoroutine(edge.stop(5))
        assert await asyncio.wait_for(reader.read(), 10) == b""  # an idle connection ends at once
        writer.close()
        return answer

    return uvloop.run(play())


def test_tcp() -> None:
    answer = exchange(Address(), lambda listener: asyncio.open_connection("127.0.0.1", listener.port))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b'"ip":"127.0.0.1"' in answer


def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "chatme.sock"
    answer = exchange(
        Address(unix=path),
        lambda listener: asyncio.open_unix_connection(str(path)),
        b"GET /echo/hi HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.5\r\n\r\n",
    )
    assert b'"ip":"203.0.113.5"' in answer
    assert not path.exists()


def make_certificate(folder: Path) -> tuple[Path, Path]:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - timedelta(1), now + timedelta(1))
    certificate = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False).sign(key, SHA256())
    (folder / "cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return folder / "cert.pem", folder / "key.pem"


def test_tls(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    context = ssl.create_default_context(cafile=str(certificate))
    answer = exchange(
        Address(certificate=certificate, key=key),
        lambda listener: asyncio.open_connection("127.0.0.1", listener.port, ssl=context, server_hostname="localhost"),
    )
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_tls_client_that_is_refused_can_read_why(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    context = ssl.create_default_context(cafile=str(certificate))
    answer = exchange(
        Address(certificate=certificate, key=key),
        lambda listener: asyncio.open_connection("127.0.0.1", listener.port, ssl=context, server_hostname="localhost"),
        b"PUT /json HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n" + b"a" * 1_000_000,
    )
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_refused_client_can_read_why() -> None:
    answer = exchange(
        Address(),
        lambda listener: asyncio.open_connection("127.0.0.1", listener.port),
        b"PUT /json HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n" + b"a" * 1_000_000,
    )
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_an_address_in_use() -> None:
    async def play() -> None:
        edge = make_edge(dispatch_for(Samples()), FakeClock())
        loop = asyncio.get_running_loop()
        first, second = Listener(edge, loop), Listener(edge, loop)
        await Deferred.fromCoroutine(first.open(Address())).asFuture(loop)
        with pytest.raises(OSError):
            await Deferred.fromCoroutine(second.open(Address(port=first.port))).asFuture(loop)
        first.close()

    uvloop.run(play())


def test_a_real_process_answers_and_stops(tmp_path: Path) -> None:
    server: Any = subprocess.Popen(
        [sys.executable, "-m", "tests.web.edge.process", str(tmp_path / "log")], stdout=subprocess.PIPE, text=True
    )
    try:
        port = int(server.stdout.readline())

        async def play() -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /echo/hi HTTP/1.1\r\nHost: a\r\n\r\nGET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
            first = await asyncio.wait_for(reader.readuntil(b'"}'), 10)
            server.send_signal(signal.SIGTERM)
            rest = await asyncio.wait_for(reader.read(), 10)
            writer.close()
            return first + rest

        answers = asyncio.run(play())
        assert answers.count(b"HTTP/1.1 200 OK") == 1
        assert b"HTTP/1.1 503 Service Unavailable" in answers
        assert server.wait(10) == 0
        log = (tmp_path / "log").read_text()
        assert "GET /echo/hi status=200" in log
        assert "GET /wait status=503" in log
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
