"""The real clock and the real chance, on a reactor that stands still."""

from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from homeserver.runtime import ReactorClock, SystemChance
from tests.support.client import start


def test_timers_are_those_of_the_reactor() -> None:
    reactor = Clock()
    clock = ReactorClock(reactor)
    seen: list[Any] = []
    clock.call_later(1, seen.append, "a")
    clock.sleep(2).addCallback(seen.append)
    reactor.advance(1)
    assert seen == ["a"]
    reactor.advance(1)
    assert seen == ["a", None]
    assert clock.now_ms() > 1_700_000_000_000
    assert clock.monotonic() <= clock.monotonic()


def test_a_cancelled_sleep_leaves_no_timer() -> None:
    reactor = Clock()

    async def sleep() -> None:
        await ReactorClock(reactor).sleep(5)

    sleeping = start(sleep())
    sleeping.cancel()
    assert reactor.getDelayedCalls() == []
    ended: list[Failure] = []
    sleeping.addErrback(ended.append)
    assert ended[0].check(CancelledError)


def test_chance() -> None:
    chance = SystemChance()
    tokens = {chance.token(20) for _ in range(200)}
    assert len(tokens) == 200
    letters = "".join(tokens)
    assert letters.isalnum()
    assert letters.isascii()
    assert len(set(letters)) == 62
    assert [len(chance.token(length)) for length in (0, 1, 500)] == [0, 1, 500]
    assert len(chance.token_bytes(16)) == 16
    values = [chance.uniform(2.0, 3.0) for _ in range(200)]
    assert all(2.0 <= value < 3.0 for value in values)
    assert max(values) - min(values) > 0.5
