"""SRV records: what name servers answer, what is kept of it for how long, and name servers that say nothing."""

from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.names.dns import Record_A, Record_SRV, RRHeader
from twisted.names.error import DNSNameError, DNSServerError, ResolverError

from federation.discovery.srv import ABSENT_S, LONGEST_S, SHORTEST_S, SrvRecords
from federation.discovery.steps import Srv
from tests.support.client import run
from tests.support.clock import FakeClock

NAME = "_matrix-fed._tcp.a.test"
Answers = list[RRHeader] | Exception


class NameServers:
    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def look_up(self, name: str, timeout: Any) -> Deferred[Any]:
        self.asked.append(name)
        return fail(self.answers) if isinstance(self.answers, Exception) else succeed((self.answers, [], []))


def record(host: str, port: int, ttl: int, priority: int = 0, weight: int = 0) -> RRHeader:
    return RRHeader(NAME.encode(), 33, ttl=ttl, payload=Record_SRV(priority, weight, port, host.encode(), ttl))


def records_of(answers: Answers) -> tuple[SrvRecords, NameServers, FakeClock]:
    clock, servers = FakeClock(), NameServers(answers)
    records = SrvRecords(None, clock)
    records._resolver = SimpleNamespace(lookupService=servers.look_up)
    return records, servers, clock


def test_records_are_kept_as_long_as_they_say() -> None:
    address = RRHeader(b"one.test", 1, ttl=1, payload=Record_A("192.0.2.1", 1))
    records, servers, clock = records_of([record("one.test", 1, 7_200, 10, 5), address, record("two.test", 2, 3_600)])
    assert run(records.look_up(NAME)) == [Srv(10, 5, "one.test", 1), Srv(0, 0, "two.test", 2)]
    clock.advance(3_590)
    run(records.look_up(NAME))
    assert servers.asked == [NAME]
    servers.answers = [record("three.test", 3, 3_600)]
    clock.advance(20)
    assert run(records.look_up(NAME)) == [Srv(0, 0, "three.test", 3)]


def test_nobody_says_for_how_long_without_bounds() -> None:
    for ttl, seconds in ((0, SHORTEST_S), (10**8, LONGEST_S)):
        records, servers, clock = records_of([record("one.test", 1, ttl)])
        run(records.look_up(NAME))
        clock.advance(seconds - 1)
        run(records.look_up(NAME))
        assert len(servers.asked) == 1
        clock.advance(2)
        run(records.look_up(NAME))
        assert len(servers.asked) == 2


def test_without_an_answer_there_are_no_records_for_a_while() -> None:
    for error in (DNSNameError(), DNSServerError(), ResolverError(), TimeoutError(), ValueError()):
        records, servers, clock = records_of(error)
        for _ in range(2):
            assert run(records.look_up(NAME)) == []
            assert len(servers.asked) == 1
            clock.advance(ABSENT_S / 3)
        servers.answers = [record("one.test", 1, 60)]
        clock.advance(ABSENT_S)
        assert run(records.look_up(NAME)) == [Srv(0, 0, "one.test", 1)]
