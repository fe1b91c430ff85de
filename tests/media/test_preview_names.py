"""Names that lead somewhere else at each question: what was looked at is what is reached."""

from collections.abc import Sequence
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IHostResolution
from twisted.internet.testing import MemoryReactorClock
from zope.interface import implementer

from homeserver.outside import Unreachable
from homeserver.web.outgoing.client import Client
from tests.support.client import run, start
from tests.support.clock import FakeClock

PUBLIC, OTHER, LOOPBACK = "93.184.216.34", "93.184.216.35", "127.0.0.1"


@implementer(IHostResolution)
class Resolution:
    def __init__(self, name: str) -> None:
        self.name = name

    def cancel(self) -> None:
        """It has ended already."""


class Fickle:
    """Another answer each time."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)

    def resolveHostName(self, receiver: Any, name: str, port: int, *_: Any) -> Resolution:
        resolution = Resolution(name)
        receiver.resolutionBegan(resolution)
        for address in self._answers.pop(0):
            receiver.addressResolved(IPv4Address("TCP", address, port))
        receiver.resolutionComplete()
        return resolution


def client_of(*answers: Sequence[str]) -> tuple[Client, Any]:
    reactor: Any = MemoryReactorClock()
    reactor.nameResolver = Fickle(*answers)
    return Client(reactor, FakeClock(), private_addresses=False), reactor


def reached(reactor: Any) -> list[str]:
    return [connection[0] for connection in reactor.tcpClients]


def test_an_answer_that_changes_after_it_was_looked_at() -> None:
    client, reactor = client_of([PUBLIC], [LOOPBACK])
    first = start(client.get("http://example.org/", accept="*/*", most_bytes=10, seconds=5))
    assert reached(reactor) == [PUBLIC]  # asked once, and not by name
    with pytest.raises(Unreachable):
        run(client.get("http://example.org/", accept="*/*", most_bytes=10, seconds=5))
    assert reached(reactor) == [PUBLIC]
    first.addErrback(lambda failure: failure.trap(Unreachable))
    first.cancel()


@pytest.mark.parametrize("answer", [[LOOPBACK], [PUBLIC, LOOPBACK], [LOOPBACK, PUBLIC], ["169.254.169.254"], ["0.0.0.0"], []])
def test_one_address_that_is_not_public_is_enough(answer: list[str]) -> None:
    client, reactor = client_of(answer)
    with pytest.raises(Unreachable):
        run(client.get("http://example.org/", accept="*/*", most_bytes=10, seconds=5))
    assert reached(reactor) == []


def test_public_addresses_are_reached() -> None:
    client, reactor = client_of([PUBLIC, OTHER])
    waiting = start(client.get("http://example.org:8080/", accept="*/*", most_bytes=10, seconds=5))
    assert reactor.tcpClients[0][:2] == (PUBLIC, 8080)
    waiting.addErrback(lambda failure: failure.trap(Unreachable))
    waiting.cancel()
