"""Requests that two servers might read differently: refused with 400 and the end of the connection (RFC 9112 section 11.2; CVE-2020-10108, -10109,
CVE-2024-41671 and their kin). What is smuggled must never be answered."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeserver.web.endpoint import Caller
from tests.support.client import dispatch_for
from tests.support.clock import FakeClock
from tests.web.edge.wire import SMALL, Samples, Wire

SMUGGLED = b"GET /echo/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
START = b"PUT /json HTTP/1.1\r\nHost: a\r\n"

REFUSED = {
    "length and coding": START + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "coding and length": START + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "two lengths": START + b"Content-Length: 2\r\nContent-Length: 5\r\n\r\n{}" + SMUGGLED,
    "two equal lengths": START + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" + SMUGGLED,
    "length list": START + b"Content-Length: 2, 2\r\n\r\n{}" + SMUGGLED,
    "signed length": START + b"Content-Length: +2\r\n\r\n{}" + SMUGGLED,
    "negative length": START + b"Content-Length: -2\r\n\r\n{}" + SMUGGLED,
    "hex length": START + b"Content-Length: 0x2\r\n\r\n{}" + SMUGGLED,
    "length with underscore": START + b"Content-Length: 1_0\r\n\r\n{}" + SMUGGLED,
    "empty length": START + b"Content-Length:\r\n\r\n" + SMUGGLED,
    "huge length": START + b"Content-Length: 99999999999999999999999\r\n\r\n{}" + SMUGGLED,
    "two codings": START + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunked twice": START + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "identity": START + b"Transfer-Encoding: identity\r\n\r\n" + SMUGGLED,
    "gzip, chunked": START + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunked, gzip": START + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "xchunked": START + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "quoted chunked": START + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n' + SMUGGLED,
    "vertical tab": START + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "form feed": START + b"Transfer-Encoding: chunked\x0c\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "space before colon": START + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "space before name": START + b" Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "folded header": START + b"X: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "folded value": START + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "NUL in a value": START + b"X: a\0b\r\n\r\n" + SMUGGLED,
    "NUL in a name": START + b"X\0: a\r\n\r\n" + SMUGGLED,
    "bare CR in a value": START + b"X: a\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "bare LF": b"PUT /json HTTP/1.1\nHost: a\nContent-Length: 2\n\n{}" + SMUGGLED,
    "LF CR": START + b"Content-Length: 2\n\r\n{}" + SMUGGLED,
    "header without colon": START + b"Content-Length 2\r\n\r\n{}" + SMUGGLED,
    "empty header name": START + b": 2\r\n\r\n" + SMUGGLED,
    "chunk size signed": START + b"Transfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "chunk size with 0x": START + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "chunk size with space": START + b"Transfer-Encoding: chunked\r\n\r\n2 \r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "chunk size too large": START + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "chunk size missing": START + b"Transfer-Encoding: chunked\r\n\r\n\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "chunk longer than it says": START + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "chunk ended by LF": START + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\n0\r\n\r\n" + SMUGGLED,
    "chunk size ended by LF": START + b"Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "chunk extension with LF": START + b"Transfer-Encoding: chunked\r\n\r\n2;a\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "two hosts": b"GET /echo/1 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + SMUGGLED,
    "no host": b"GET /echo/1 HTTP/1.1\r\n\r\n" + SMUGGLED,
    "HTTP/1.0 chunked": b"PUT /json HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "HTTP/0.9": b"GET /echo/1\r\n\r\n" + SMUGGLED,
    "HTTP/2.0": b"GET /echo/1 HTTP/2.0\r\nHost: a\r\n\r\n" + SMUGGLED,
    "HTTP/1.2": b"GET /echo/1 HTTP/1.2\r\nHost: a\r\n\r\n" + SMUGGLED,
    "HTTP/1.10": b"GET /echo/1 HTTP/1.10\r\nHost: a\r\n\r\n" + SMUGGLED,
    "tab in request line": b"GET\t/echo/1\tHTTP/1.1\r\nHost: a\r\n\r\n" + SMUGGLED,
    "space in target": b"GET /echo/1 /2 HTTP/1.1\r\nHost: a\r\n\r\n" + SMUGGLED,
    "not ASCII": b"GET /echo/\xff HTTP/1.1\r\nHost: a\r\n\r\n" + SMUGGLED,
    "unknown method": b"FETCH /echo/1 HTTP/1.1\r\nHost: a\r\n\r\n" + SMUGGLED,
    "CONNECT": b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n" + SMUGGLED,
    "PRI of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SMUGGLED,
    "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100 + SMUGGLED,
}

HARMLESS = {
    "chunked in capitals": START + b"Transfer-Encoding: Chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "chunk size in both cases": START + b"Transfer-Encoding: chunked\r\n\r\n0A\r\n{       }\n\r\n0\r\n\r\n",
    "leading zeros": START + b"Content-Length: 0002\r\n\r\n{}",
    "blank lines first": b"\r\n\r\n" + START + b"Content-Length: 2\r\n\r\n{}",
    "white space around values": START + b"Content-Length:   2\r\nX: \t a \t\r\n\r\n{}",
}


def connect() -> Wire:
    clock = FakeClock()
    return Wire(dispatch_for(Samples(), tokens={"alice": Caller("@alice:a", "D", 1)}, clock=clock), clock)


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    for pieces in ([REFUSED[name]], [bytes([byte]) for byte in REFUSED[name]]):
        wire = connect()
        for piece in pieces:
            wire.send(piece)
        assert b"smuggled" not in wire.output
        assert [status for status in wire.statuses() if status not in (400, 405, 505)] == []
        assert wire.protocol._closing


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless(name: str) -> None:
    wire = connect()
    wire.send(HARMLESS[name] + SMUGGLED)
    assert wire.statuses() == [200, 200]


PARTS = st.sampled_from(
    [
        *REFUSED.values(),
        *HARMLESS.values(),
        SMUGGLED,
        START,
        b"\r\n",
        b"\n",
        b"0\r\n\r\n",
        b"Content-Length: 3\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Expect: 100-continue\r\n",
        b"Connection: close\r\n",
        b"Connection: upgrade\r\nUpgrade: h2c\r\n",
        b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /download HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /upload HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer alice\r\n",
        b"Authorization: Bearer alice\r\n",
        b"HEAD /download HTTP/1.0\r\n\r\n",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(PARTS, st.binary(max_size=40)), max_size=12), st.integers(1, 400), st.booleans())
def test_whatever_comes_nothing_breaks(parts: list[bytes], step: int, half_close: bool) -> None:
    """Any bytes, in any pieces: no exception, no fault logged (the fixture fails the test), and in the end nothing is left."""
    clock = FakeClock()
    samples = Samples()
    samples.pieces = [b"one", b"two"]
    wire = Wire(dispatch_for(samples, tokens={"alice": Caller("@alice:a", "D", 1)}, clock=clock), clock, limits=SMALL)
    data = b"".join(parts)
    for at in range(0, len(data), step):
        if not wire.transport.is_paused():
            wire.send(data[at : at + step])
    if half_close and not wire.transport.is_closing():
        wire.end()
    for _ in range(40):
        clock.advance(10)
        for waiting in samples.waiting:
            if not waiting.called:
                waiting.callback("x")
    assert wire.transport.is_closing()
    assert not wire.edge.connections
    assert wire.protocol._running is None
