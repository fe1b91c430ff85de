"""Bodies that come and answers that go piece by piece, with the speed of the slower side."""

from typing import Any

import orjson

from tests.support.clock import FakeClock
from tests.web.edge.wire import BEARER, Samples, connect


def test_streamed_uploads(samples: Samples, clock: FakeClock) -> None:
    samples.wait_between = True
    wire = connect(samples, clock)
    wire.send(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n" + BEARER + b"\r\n")
    wire.send(b"a" * 100_000)
    assert samples.received == [b"a" * 100_000]
    wire.send(b"a" * 300_000)
    assert wire.transport.is_paused()  # the endpoint has not come for it yet
    samples.waiting[0].callback(None)
    assert len(samples.received[1]) == 300_000
    assert not wire.transport.is_paused()
    samples.wait_between = False
    samples.waiting[1].callback(None)
    wire.send(b"a" * 600_000)
    assert orjson.loads(wire.answers()[0].body) == {"size": 1_000_000}
    assert not wire.transport.is_closing()
    small = connect(Samples(), clock)
    small.request("POST /upload", b"abc", BEARER)
    assert orjson.loads(small.answers()[0].body) == {"size": 3}


def test_an_upload_whose_client_goes_away(samples: Samples, clock: FakeClock) -> None:
    wire = connect(samples, clock)
    wire.send(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n" + BEARER + b"\r\nabc")
    wire.lose()
    assert samples.received == [b"abc"]
    assert wire.output == b""


def test_streamed_answers(samples: Samples, clock: FakeClock) -> None:
    samples.pieces = [b"one", b"", b"wait", b"two"]
    wire = connect(samples, clock)
    wire.request("GET /download")
    assert wire.output.endswith(b"3\r\none\r\n")
    samples.waiting[0].callback(None)
    assert wire.answers()[0].body == b"onetwo"
    assert wire.answers()[0].headers["content-type"] == "text/plain"
    samples.pieces, samples.length = [b"one", b"two"], 6
    wire.request("GET /download")
    assert wire.answers()[1].headers["content-length"] == "6"
    wire.request("HEAD /download")
    assert samples.closed_streams == 2
    samples.length = None
    old = connect(samples, clock)
    old.send(b"GET /download HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert old.output.endswith(b"\r\n\r\nonetwo")
    assert old.transport.is_closing()


def test_a_streamed_answer_waits_for_a_slow_client(samples: Samples, clock: FakeClock) -> None:
    samples.pieces = [b"one", b"two", b"three"]
    wire = connect(samples, clock)
    wire.protocol.pause_writing()
    wire.protocol.resume_writing()
    write = wire.transport.write

    def stall(data: Any) -> None:
        write(data)
        wire.protocol.pause_writing()

    wire.transport.write = stall  # type: ignore[method-assign]
    wire.request("GET /download")
    assert wire.output.endswith(b"one\r\n")
    wire.protocol.resume_writing()
    assert wire.output.endswith(b"two\r\n")
    wire.lose()
    assert samples.closed_streams == 1


def test_a_streamed_answer_that_breaks_cuts_the_connection(samples: Samples, clock: FakeClock, faults: list[Any]) -> None:
    for pieces, length in (([b"one", b"fail"], None), ([b"one"], 5), ([b"one"], 2)):
        samples.pieces, samples.length = pieces, length
        wire = connect(samples, clock)
        wire.request("GET /download")
        assert wire.transport.aborted
    assert len(faults) == 3
