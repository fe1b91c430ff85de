"""The client: what it sends, how long it waits, what it makes of answers, and servers that do not answer."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred

from config.federation import Federation
from federation.client import MOST_AT_ONCE, Ask, FederationClient
from federation.errors import BackingOff, BadAnswer, FederationError, RemoteRefused, Unreachable
from federation.outages import LONGEST_MS, Outages
from federation.server_policy import ServerPolicy
from federation.store import Outage
from federation.transport import ReadyAnswer, RemoteAnswer
from homeserver.protocol.signing import SigningKey
from homeserver.rooms.append import Identity
from tests.support.client import run, start
from tests.support.clock import FakeClock, SeededChance

B = "b.test"
PATH = "/_matrix/x"


class Kept:
    """An outage store in memory."""

    def __init__(self) -> None:
        self.held: dict[str, Outage] = {}

    async def outages(self) -> list[Outage]:
        return list(self.held.values())

    async def put_outages(self, begun: Any, ended: Any) -> None:
        self.held.update({outage.destination: outage for outage in begun})
        for name in ended:
            self.held.pop(name, None)


class Wire:
    """Answers in turn; None: never, an error: it is raised."""

    def __init__(self, *answers: ReadyAnswer | Exception | None) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[str, str, Mapping[str, str], bytes | None]] = []
        self.cancelled = 0
        self.under_way = 0

    async def request(self, destination: str, method: str, uri: str, headers: Mapping[str, str], body: bytes | None) -> RemoteAnswer:
        self.sent.append((method, uri, headers, body))
        answer = self.answers.pop(0) if self.answers else None
        self.under_way += 1
        try:
            if answer is None:
                await Deferred(self._cancel)
        finally:
            self.under_way -= 1
        if isinstance(answer, Exception):
            raise answer
        assert answer is not None
        return answer

    def _cancel(self, _: object) -> None:
        self.cancelled += 1

    def close(self) -> None:
        """There is nothing to close."""


class World:
    def __init__(self, *answers: ReadyAnswer | Exception | None) -> None:
        self.clock, self.kept, self.wire = FakeClock(), Kept(), Wire(*answers)
        self.outages = Outages(self.kept, self.clock, SeededChance())
        identity = Identity("a.test", SigningKey("ed25519:a", bytes(32)))
        self.client = FederationClient(identity, self.wire, self.outages, ServerPolicy(Federation()), self.clock)

    def ask(self, **changes: Any) -> dict[str, Any]:
        return run(self.client.ask(Ask(**{"method": "GET", "destination": B, "path": PATH, **changes})), self.clock)


def ok(body: bytes = b'{"a":1}', status: int = 200, **headers: str) -> ReadyAnswer:
    return ReadyAnswer(status, headers, body)


def test_what_is_sent() -> None:
    world = World(ok(), ok())
    assert world.ask(query={"a b": ["1", "2"], "no": False}) == {"a": 1}
    world.ask(method="PUT", body={"b": 2.0, "a": "ä"})
    (_, uri, headers, body), (_, _, _, content) = world.wire.sent
    assert (uri, body, content) == (f"{PATH}?a+b=1&a+b=2&no=false", None, '{"a":"ä","b":2.0}'.encode())
    assert headers["Authorization"].startswith('X-Matrix origin="a.test",destination="b.test",key="ed25519:a",sig="')


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b'{"a":NaN}', b"<html>"])
def test_answers_that_are_none(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        World(ok(body)).ask()


def test_an_answer_that_is_too_large() -> None:
    with pytest.raises(BadAnswer):
        World(ok(b'{"a":"' + b"a" * 100 + b'"}')).ask(most_bytes=100)


def test_refusals() -> None:
    body = b'{"errcode":"M_INCOMPATIBLE_ROOM_VERSION","error":"no","room_version":"99"}'
    with pytest.raises(RemoteRefused) as refused:
        World(ok(body, 400)).ask()
    local = refused.value.as_local()
    assert (local.status, local.errcode, local.message, local.fields) == (400, "M_INCOMPATIBLE_ROOM_VERSION", "no", {"room_version": "99"})
    for body in (b"", b"[]", b'{"errcode":5,"error":{}}', b'{"errcode":"M_ODD"}'):
        with pytest.raises(RemoteRefused) as refused:
            World(ok(body, 404)).ask()
        assert (refused.value.remote_status, refused.value.as_local().status) == (404, 502)


def test_a_silent_server_costs_no_more_than_the_time_it_is_given() -> None:
    world = World(None)
    with pytest.raises(Unreachable):
        world.ask(seconds=5.0)
    assert (world.clock.monotonic() < 6, world.wire.cancelled, world.clock.waiting()) == (True, 1, 1)
    assert world.outages.of(B) is not None


def test_who_gives_up_waiting_says_nothing_about_the_server() -> None:
    world = World(None)
    asking = start(world.client.get(B, PATH))
    asking.cancel()
    asking.addErrback(lambda failure: failure.trap(CancelledError))
    assert (world.outages.of(B), world.wire.under_way) == (None, 0)


def test_told_to_come_back_it_comes_back() -> None:
    world = World(ok(b"", 429, **{"retry-after": "2"}), ok(b'{"retry_after_ms":500}', 429), ok())
    assert world.ask() == {"a": 1}
    assert 2.5 <= world.clock.monotonic() < 2.7
    with pytest.raises(RemoteRefused):
        World(ok(b"", 429, **{"retry-after": "3600"})).ask()


def test_so_many_at_a_time() -> None:
    world = World(*[None] * 20)
    asking = [start(world.client.get(B, PATH, seconds=5.0)) for _ in range(MOST_AT_ONCE + 5)]
    other = start(world.client.get("c.test", PATH, seconds=5.0))
    assert world.wire.under_way == MOST_AT_ONCE + 1
    asking[MOST_AT_ONCE].cancel()
    asking[0].cancel()
    assert world.wire.under_way == MOST_AT_ONCE + 1
    for each in (*asking, other):
        each.addErrback(lambda failure: failure.trap(CancelledError, FederationError))
    for _ in range(30):
        world.clock.advance(1.0)
    assert world.wire.under_way == 0


def test_outages_grow_are_kept_and_end_with_a_sign_of_life() -> None:
    world = World()
    pauses = []
    for _ in range(20):
        world.outages.failed(B)
        world.outages.failed(B)  # as what was under way fails, too
        pauses.append(world.outages.retry_ms(B) - world.clock.now_ms())
        with pytest.raises(BackingOff):
            world.outages.check(B)
        world.clock.advance(pauses[-1] / 1000 + 1)
        world.outages.check(B)
    assert 7_000 < pauses[0] < 15_000
    assert all(later > earlier for earlier, later in pairwise(pauses[:9]))
    assert max(pauses) <= LONGEST_MS
    assert list(world.kept.held) == [B]
    again = Outages(world.kept, world.clock, SeededChance())
    run(again.start())
    assert again.of(B) == world.outages.of(B)
    told: list[str] = []
    again.tell_recovery(told.append)
    for name in (B, B, "c.test"):
        again.alive(name)
    assert (told, again.of(B), again.retry_ms(B)) == ([B], None, 0)
    run(again.stop())
    assert world.kept.held == {}


def test_a_gateway_without_a_server_behind_it_counts_as_silence_and_a_refusal_as_life() -> None:
    world = World(ok(b'{"errcode":"M_NOT_YET_UPLOADED"}', 504), ok(b"", 502), ok(b"", 500), ok(b"", 403))
    with pytest.raises(RemoteRefused):
        world.ask()
    assert world.outages.of(B) is None
    with pytest.raises(RemoteRefused):
        world.ask()
    assert world.outages.of(B) is not None
    with pytest.raises(RemoteRefused):
        world.ask(though_down=True)
    assert world.outages.of(B) is None
