"""HTTP/1.1 over a connection without a network."""

from typing import Any

import orjson
from twisted.internet.defer import Deferred

from homeserver.logs import current_request
from homeserver.web.wire.limits import WireLimits
from tests.support.client import dispatch_for, start
from tests.support.clock import FakeClock
from tests.web.edge.wire import HOST, SMALL, Samples, Wire, connect, make_edge, tick
from tests.web.laws import ONCE


def test_an_answer_is_one_write_with_the_right_head(samples: Samples, clock: FakeClock) -> None:
    wire = connect(samples, clock)
    wire.request("GET /echo/hi")
    assert len(wire.transport.writes) == 1
    answer = wire.answers()[0]
    assert (answer.status, orjson.loads(answer.body)) == (200, {"text": "hi", "ip": "192.0.2.1"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["date"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert not wire.transport.is_closing()


def test_a_large_answer_is_not_copied_behind_its_head(samples: Samples, clock: FakeClock) -> None:
    wire = connect(samples, clock)
    for number in range(2):
        wire.request("GET /wait")
        samples.waiting[number].callback("x" * 100_000)
    assert [len(write) > 100_000 for write in wire.transport.writes] == [False, True] * 2
    for answer in wire.answers():
        assert answer.headers["content-length"] == str(len(answer.body))
        assert orjson.loads(answer.body) == {"said": "x" * 100_000}


def test_requests_in_pieces(samples: Samples, clock: FakeClock) -> None:
    wire = connect(samples, clock)
    for byte in b"PUT /json HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n" + b'{"a":1}':
        wire.send(bytes([byte]))
    assert orjson.loads(wire.answers()[0].body) == {"got": {"a": 1}}


def test_chunked_bodies(samples: Samples, clock: FakeClock) -> None:
    wire = connect(samples, clock)
    wire.send(b"PUT /json HTTP/1.1\r\n" + HOST + b'Transfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n')
    assert wire.statuses() == []
    wire.send(b'4;ext="x"\r\n":1}\r\n0\r\nX-Trailer: 1\r\n\r\n')
    wire.request("GET /echo/next")
    assert wire.statuses() == [200, 200]


def test_pipelined_answers_come_in_order(samples: Samples, clock: FakeClock) -> None:
    wire = connect(samples, clock)
    wire.send(b"".join(b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % path for path in (b"/wait", b"/echo/b", b"/nothing", b"/echo/d")))
    assert wire.statuses() == []
    samples.waiting[0].callback("a")
    assert [answer.status for answer in wire.answers()] == [200, 200, 404, 200]
    assert b'"a"' in wire.answers()[0].body
    assert b'"d"' in wire.answers()[3].body


def test_the_queue_is_bounded(samples: Samples, clock: FakeClock) -> None:
    wire = connect(samples, clock, limits=SMALL)
    wire.request("GET /wait")
    for number in range(4):
        wire.request(f"GET /echo/{number}")
    assert wire.transport.is_paused()
    samples.waiting[0].callback("x")
    assert wire.statuses() == [200] * 5
    assert not wire.transport.is_paused()
    wire.request("GET /wait")
    wire.send(b"".join(b"GET /echo/%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(1000)))
    samples.waiting[1].callback("x")
    assert wire.statuses() == [200] * (5 + 1 + 16)
    assert wire.transport.is_closing()


def test_keep_alive_and_close(samples: Samples, clock: FakeClock) -> None:
    wire = connect(samples, clock)
    wire.request("GET /echo/1")
    wire.request("GET /echo/2", extra=b"Connection: close\r\n")
    assert wire.statuses() == [200, 200]
    assert wire.answers()[1].headers["connection"] == "close"
    assert wire.transport.is_closing()
    old = connect(samples, clock)
    old.send(b"GET /echo/1 HTTP/1.0\r\n\r\n")
    assert old.statuses() == [200]
    assert old.transport.is_closing()
    old = connect(samples, clock)
    old.send(b"GET /echo/1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert old.answers()[0].headers["connection"] == "close"


def test_head_has_the_length_and_no_body(samples: Samples, clock: FakeClock) -> None:
    wire = connect(samples, clock)
    wire.request("GET /echo/hi")
    length = wire.answers()[0].headers["content-length"]
    wire.transport.writes.clear()
    wire.request("HEAD /echo/hi")
    assert wire.output.endswith(b"Content-Length: %s\r\n\r\n" % length.encode())
    wire.transport.writes.clear()
    wire.request("GET /echo/next")
    assert wire.statuses() == [200]


def test_targets(samples: Samples, clock: FakeClock) -> None:
    wire = connect(samples, clock)
    for target in ("http://a/echo/hi", "HTTPS://a:8448/echo/hi?x=1", "/echo/hi#part"):
        wire.request(f"GET {target}")
    wire.request("OPTIONS *")
    wire.request("OPTIONS /anything")
    assert wire.statuses() == [200] * 5
    for target in ("echo/hi", "ftp://a/echo"):
        refused = connect(samples, clock)
        refused.request(f"GET {target}")
        assert refused.statuses() == [400], target


def test_the_size_of_a_head_is_bounded(samples: Samples, clock: FakeClock) -> None:
    for head in (
        b"GET /%s HTTP/1.1\r\n" % (b"a" * 3000),
        b"GET / HTTP/1.1\r\nX: %s\r\n" % (b"a" * 3000),
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 80,
    ):
        wire = connect(samples, clock, limits=SMALL)
        wire.send(head)
        assert wire.statuses() == [431]
    wire = connect(samples, clock, limits=SMALL)
    wire.send(b"GET / HTTP/1.1\r\nX: ")
    for _ in range(30):
        wire.send(b"a" * 100)
    assert wire.statuses() == [431]
    wire = connect(samples, clock, limits=SMALL)
    for _ in range(30):
        wire.send(b"\r\n" * 100)
    assert wire.statuses() == [431]


def test_chunk_extensions_and_trailers_are_bounded(samples: Samples, clock: FakeClock) -> None:
    for start_of_it in (b"1;ext=", b"0\r\nX: "):
        wire = connect(samples, clock, limits=SMALL)
        wire.send(b"PUT /json HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + start_of_it)
        for _ in range(30):
            wire.send(b"a" * 100)
        assert wire.transport.ended, start_of_it
        assert wire.statuses()[0] >= 400


def test_a_body_too_large_is_refused_before_it_is_read(samples: Samples, clock: FakeClock) -> None:
    wire = connect(samples, clock)
    wire.send(b"PUT /json HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n")
    assert wire.statuses() == [413]
    assert wire.transport.ended  # and reads on for a moment, so that the answer is not lost
    wire.send(b"a" * 1000)
    clock.advance(3)
    clock.advance(3)
    assert wire.transport.is_closing()
    chunked = connect(samples, clock)
    chunked.send(b"PUT /json HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunked.send(b"11000\r\n" + b"a" * 0x11000)
    assert chunked.statuses() == [413]


def test_strangers_get_less_than_users(samples: Samples, clock: FakeClock) -> None:
    for token, status in ((b"alice", 200), (b"nobody", 401)):
        wire = connect(samples, clock)
        wire.send(b"PUT /mine HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\nAuthorization: Bearer %s\r\n\r\n" % token)
        assert wire.statuses() == ([] if status == 200 else [401])
        wire.send(b'{"a":"' + b"b" * 99_992 + b'"}')
        assert wire.statuses() == [status]
        assert wire.transport.ended == (status == 401)


def test_expect_continue(samples: Samples, clock: FakeClock) -> None:
    wire = connect(samples, clock)
    wire.send(b"PUT /json HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert wire.output == b"HTTP/1.1 100 Continue\r\n\r\n"
    wire.send(b"{}")
    assert wire.statuses() == [100, 200]
    refused = connect(samples, clock)
    refused.send(b"PUT /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert refused.statuses() == [404]
    assert refused.answers()[0].headers["connection"] == "close"
    other = connect(samples, clock)
    other.send(b"PUT /json HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: coffee\r\n\r\n")
    assert other.statuses() == [417]


def test_an_offer_to_switch_protocols_is_declined(samples: Samples, clock: FakeClock) -> None:
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    wire = connect(samples, clock)
    wire.request("GET /echo/1", extra=upgrade)
    wire.request("GET /echo/2")
    assert wire.statuses() == [200, 200]
    wire.request("PUT /json", b'{"a":2}', upgrade)
    assert wire.statuses() == [200, 200, 200]
    assert orjson.loads(wire.answers()[2].body) == {"got": {"a": 2}}
    assert wire.transport.is_closing()


def test_a_client_that_goes_away_frees_what_only_waits(samples: Samples, clock: FakeClock) -> None:
    for line in ("GET /wait", "POST /poll"):
        wire = connect(samples, clock)
        wire.request(line)
        wire.lose()
    assert samples.ended == ["/wait", "/poll"]
    wire = connect(samples, clock)
    wire.request("POST /work")
    wire.lose()
    assert samples.ended == ["/wait", "/poll"]  # a write runs to its end
    samples.waiting[-1].callback("done")
    assert samples.ended[-1] == "/work"
    assert wire.output == b""


def test_no_header_can_be_injected(samples: Samples, clock: FakeClock, faults: list[Any]) -> None:
    wire = connect(samples, clock)
    wire.request("GET /header?name=a%0D%0ASet-Cookie%3A%20b")
    wire.request("GET /header?name=plain")
    assert wire.statuses() == [500, 200]
    assert "set-cookie" not in wire.answers()[0].headers
    assert len(faults) == 1


def test_forwarded_addresses_count_only_from_proxies(samples: Samples, clock: FakeClock) -> None:
    def seen(proxies: tuple[str, ...], header: str) -> str:
        dispatch = dispatch_for(samples, clock=clock)
        wire = Wire(dispatch, clock, edge=make_edge(dispatch, clock, proxies=proxies))
        wire.request("GET /echo/1", extra=f"X-Forwarded-For: {header}\r\n".encode())
        return str(orjson.loads(wire.answers()[0].body)["ip"])

    assert seen((), "198.51.100.7") == "192.0.2.1"
    assert seen(("10.0.0.0/8",), "198.51.100.7") == "192.0.2.1"
    assert seen(("192.0.2.0/24",), "203.0.113.9, 198.51.100.7") == "198.51.100.7"
    assert seen(("192.0.2.0/24",), "203.0.113.9, 192.0.2.77") == "203.0.113.9"
    assert seen(("192.0.2.0/24",), "203.0.113.9, nonsense") == "192.0.2.1"


def test_forwarded_headers_buy_no_further_tries(samples: Samples, clock: FakeClock) -> None:
    dispatch = dispatch_for(samples, clock=clock, limits=ONCE)
    edge = make_edge(dispatch, clock)
    statuses = []
    for number in range(100):
        wire = Wire(dispatch, clock, edge=edge)
        wire.request("GET /try", extra=f"X-Forwarded-For: 203.0.113.{number}\r\nX-Real-IP: 203.0.113.{number}\r\n".encode())
        statuses += wire.statuses()
    assert statuses == [200] + [429] * 99


def test_stopping(samples: Samples, clock: FakeClock) -> None:
    dispatch = dispatch_for(samples, clock=clock)
    edge = make_edge(dispatch, clock)
    idle, poll, work, stuck = (Wire(dispatch, clock, edge=edge) for _ in range(4))
    poll.request("GET /wait")
    work.request("POST /work")
    stuck.request("POST /work")
    stopped: list[Any] = []
    start(edge.stop(5)).addCallback(stopped.append)
    assert idle.transport.is_closing()
    assert poll.statuses() == [503]
    assert poll.transport.is_closing()
    samples.waiting[1].callback("done")
    assert work.statuses() == [200]
    assert work.answers()[0].headers["connection"] == "close"
    late = Wire(dispatch, clock, edge=edge)
    assert late.transport.aborted
    assert not stopped
    tick(clock, 5)
    assert stopped
    assert stuck.transport.aborted
    samples.waiting[2].callback(None)
    assert clock.waiting() == 0


def test_too_many_connections(samples: Samples, clock: FakeClock) -> None:
    dispatch = dispatch_for(samples, clock=clock)
    edge = make_edge(dispatch, clock, WireLimits(connections=2))
    first, _, third = (Wire(dispatch, clock, edge=edge) for _ in range(3))
    assert third.transport.aborted
    first.lose()
    assert not Wire(dispatch, clock, edge=edge).transport.aborted


def test_a_full_queue_of_default_size_is_no_deep_stack(samples: Samples, clock: FakeClock) -> None:
    wire = connect(samples, clock)
    wire.send(b"".join(b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % path for path in (b"/wait", *[b"/echo/a"] * 127)))
    samples.waiting[0].callback("a")
    assert wire.statuses() == [200] * 128
    offer = b"GET /echo/a HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"
    wire.send(offer * 2000)
    assert wire.output.count(b"HTTP/1.1 200 OK") == 2128


def test_logs_know_their_request_after_waiting(samples: Samples, clock: FakeClock) -> None:
    dispatch = dispatch_for(samples, clock=clock)
    edge = make_edge(dispatch, clock)
    for _ in range(2):
        Wire(dispatch, clock, edge=edge).request("GET /wait")
    assert current_request.get() == ""
    for waiting in samples.waiting[::-1]:
        waiting.callback("x")
    assert len(set(samples.ids)) == 2
    assert "" not in samples.ids
    assert current_request.get() == ""


def test_waiting_deferreds_leave_nothing_behind(samples: Samples, clock: FakeClock) -> None:
    wire = connect(samples, clock)
    wire.request("GET /wait")
    done: Deferred[Any] = samples.waiting[0]
    wire.lose()
    assert done.called
    assert wire.protocol._running is None
    assert not wire.edge.connections
