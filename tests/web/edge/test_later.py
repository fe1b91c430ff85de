"""Requests for which nothing runs while they wait: told later, in order, once; freed when the client goes."""

from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from twisted.internet.defer import CancelledError

from homeserver.errors import NotFound
from homeserver.logs import current_request
from homeserver.web.endpoint import Access, Answer, Body, Later, Rate, endpoint
from homeserver.web.metrics import Metrics
from homeserver.web.request import Request
from tests.support.client import Client, dispatch_for, start
from tests.support.clock import FakeClock
from tests.web.edge.wire import Wire


class Poll:
    """Whoever waits; told by the test."""

    def __init__(self) -> None:
        self.tell: Callable[[bytes | Exception], None] | None = None
        self.cancelled = False

    def then(self, tell: Callable[[bytes | Exception], None]) -> None:
        self.tell = tell

    def come(self, answer: bytes | Exception) -> None:
        assert self.tell is not None
        self.tell(answer)

    def cancel(self) -> None:
        self.cancelled = True
        self.come(CancelledError())


class Polls:
    def __init__(self) -> None:
        self.waiting: list[Poll] = []

    @endpoint("GET", "/poll", access=Access.NONE, rate=Rate.SYNC, body=Body.NONE)
    async def poll(self, request: Request) -> Answer:
        self.waiting.append(Poll())
        return Later(self.waiting[-1])

    @endpoint("GET", "/now", access=Access.NONE, rate=Rate.NONE, body=Body.NONE)
    async def now(self, request: Request) -> Answer:
        return {}


@pytest.fixture
def polls() -> Polls:
    return Polls()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


@pytest.fixture
def wire(polls: Polls, metrics: Metrics, clock: FakeClock) -> Wire:
    return Wire(dispatch_for(polls, clock=clock, metrics=metrics), clock)


def test_what_is_behind_waits_for_it(wire: Wire, polls: Polls, metrics: Metrics) -> None:
    wire.request("GET /poll")
    wire.request("GET /now")
    assert wire.output == b""
    assert metrics.running == 1
    assert current_request.get() == ""
    polls.waiting[0].come(b'{"a":1}')
    assert [(answer.status, answer.body) for answer in wire.answers()] == [(200, b'{"a":1}'), (200, b"{}")]
    assert metrics.running == 0
    wire.request("GET /poll")
    polls.waiting[1].come(b'{"a":2}')
    assert wire.answers()[2].body == b'{"a":2}'


def test_its_time_counts_until_it_was_told(wire: Wire, polls: Polls, metrics: Metrics, clock: FakeClock) -> None:
    wire.request("GET /poll")
    clock.advance(7)
    polls.waiting[0].come(b"{}")
    measure = metrics.measure("GET", "/poll")
    assert measure.statuses == {200: 1}
    assert measure.seconds == 7


def test_errors_are_answers_too(wire: Wire, polls: Polls, faults: list[Any]) -> None:
    fault = KeyError("secret")
    for error in (NotFound("gone"), fault):
        wire.request("GET /poll")
        polls.waiting[-1].come(error)
    assert wire.statuses() == [404, 500]
    assert b"secret" not in wire.output
    assert [failure.value for failure in faults] == [fault]
    assert current_request.get() == ""


def test_a_client_that_goes_away_frees_it(wire: Wire, polls: Polls, metrics: Metrics) -> None:
    wire.request("GET /poll")
    wire.lose()
    assert polls.waiting[0].cancelled
    assert metrics.running == 0
    assert wire.output == b""


def test_a_server_that_stops_says_so(wire: Wire, polls: Polls) -> None:
    wire.request("GET /poll")
    wire.edge.stopping = True
    wire.protocol.finish()
    assert wire.statuses() == [503]
    assert wire.transport.ended or wire.transport.closed


def test_who_can_wait_may_stop_to(polls: Polls, clock: FakeClock, faults: list[Any]) -> None:
    client = Client(dispatch_for(polls, clock=clock))
    waits = start(client.get("/poll"))
    polls.waiting[0].come(b'{"a":1}')
    assert waits.result == (200, {"a": 1})
    start(client.get("/poll")).cancel()
    assert polls.waiting[1].cancelled
