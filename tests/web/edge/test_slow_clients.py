"""Clients that are slow, silent or half gone: none of them holds a connection for ever."""

from tests.support.clock import FakeClock
from tests.web.edge.wire import BEARER, Samples, connect, tick


def test_half_closed_connections(samples: Samples, clock: FakeClock) -> None:
    wire = connect(samples, clock)
    wire.request("GET /wait")
    wire.end()
    assert not wire.transport.is_closing()
    samples.waiting[0].callback("late")
    assert wire.statuses() == [200]
    assert wire.transport.is_closing()
    slow = connect(samples, clock)
    slow.request("GET /wait")
    slow.end()
    clock.advance(1)
    clock.advance(1)
    clock.advance(1)
    assert slow.transport.aborted
    assert samples.ended == ["/wait", "/wait"]
    idle = connect(samples, clock)
    idle.end()
    assert idle.transport.is_closing()


def test_slow_clients(samples: Samples, clock: FakeClock) -> None:
    silent, head, body, idle = (connect(samples, clock) for _ in range(4))
    head.send(b"GET / HTTP/1.1\r\n")
    body.send(b"PUT /json HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n{")
    idle.request("GET /echo/1")
    for _ in range(19):
        tick(clock, 1)
        head.send(b"A: b\r\n")
    assert not silent.transport.is_closing()
    tick(clock, 2)
    assert silent.transport.is_closing()
    assert silent.output == b""
    assert head.statuses() == [408]
    tick(clock, 11)
    assert body.statuses() == [408]
    assert not idle.transport.is_closing()
    tick(clock, 90)
    assert idle.transport.is_closing()
    assert head.transport.is_closing()
    assert body.transport.is_closing()


def test_a_large_body_that_stops_coming(samples: Samples, clock: FakeClock) -> None:
    wire = connect(samples, clock)
    wire.send(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n" + BEARER + b"\r\n" + b"a" * 5000)
    for _ in range(28):
        tick(clock, 1)
        wire.send(b"a")
    assert wire.statuses() == []
    tick(clock, 4)
    assert wire.statuses() == [408]
    tick(clock, 4)
    assert wire.transport.is_closing()


def test_an_answer_that_is_not_taken(samples: Samples, clock: FakeClock) -> None:
    wire = connect(samples, clock)
    wire.transport.waiting = 100_000
    wire.protocol.pause_writing()
    wire.request("GET /echo/1")
    assert wire.statuses() == []  # the next answer waits too
    tick(clock, 20)
    wire.transport.waiting = 90_000  # slow, but going on
    tick(clock, 25)
    assert not wire.transport.is_closing()
    tick(clock, 40)
    assert wire.transport.aborted
    taken = connect(samples, clock)
    taken.protocol.pause_writing()
    taken.request("GET /echo/1")
    taken.protocol.resume_writing()
    assert taken.statuses() == [200]
