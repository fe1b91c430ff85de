"""From names to places: every step of the specification's list, and what is kept of the answers for how long."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from federation.discovery.lifetime import LONGEST_S, SHORTEST_S, USUAL_S, lifetime
from federation.discovery.steps import Discovery, Srv, Target, by_srv
from federation.discovery.well_known import PATH, WellKnown
from federation.errors import Unreachable
from federation.transport import ReadyAnswer, RemoteAnswer
from tests.support.client import run
from tests.support.clock import FakeClock, SeededChance

HOUR = 3600


class Dns:
    """SRV records by name."""

    def __init__(self, **records: Sequence[Srv]) -> None:
        self.records = {name.replace("__", "."): found for name, found in records.items()}
        self.asked: list[str] = []

    async def look_up(self, name: str) -> Sequence[Srv]:
        self.asked.append(name)
        return self.records.get(name, ())


class Web:
    """.well-known files; what is not here cannot be reached."""

    def __init__(self, pages: dict[str, ReadyAnswer | str]) -> None:
        self.pages = pages
        self.asked: list[str] = []

    async def get(self, host: str, port: int, uri: str) -> RemoteAnswer:
        self.asked.append(f"{host}:{port}{uri}")
        page = self.pages.get(host if port == 443 and uri == PATH else f"{host}:{port}{uri}")
        if page is None:
            raise Unreachable
        if isinstance(page, str):
            return ReadyAnswer(200, {}, orjson.dumps({"m.server": page}))
        return ReadyAnswer(page.status, page.headers, page._rest)


def targets(name: str, delegated: str | None = None, **records: Sequence[Srv]) -> list[Target]:
    web = Web({} if delegated is None else {name: delegated})
    known = WellKnown(web, FakeClock(), SeededChance())
    return run(Discovery(known, Dns(**records).look_up, SeededChance()).targets(name))


FED, OLD = [Srv(0, 0, "fed.test.", 1)], [Srv(0, 0, "old.test", 2)]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("1.2.3.4", Target("1.2.3.4", 8448, "1.2.3.4", "1.2.3.4")),
        ("1.2.3.4:80", Target("1.2.3.4", 80, "1.2.3.4", "1.2.3.4:80")),
        ("[::1]", Target("::1", 8448, "::1", "[::1]")),
        ("[::1]:80", Target("::1", 80, "::1", "[::1]:80")),
        ("a.test:80", Target("a.test", 80, "a.test", "a.test:80")),
        ("a.test", Target("a.test", 8448, "a.test", "a.test")),
    ],
)
def test_names_without_files_and_records(name: str, found: Target) -> None:
    assert targets(name) == [found]


@pytest.mark.parametrize(
    ("delegated", "found"),
    [
        ("1.2.3.4", Target("1.2.3.4", 8448, "1.2.3.4", "1.2.3.4")),
        ("[::1]:80", Target("::1", 80, "::1", "[::1]:80")),
        ("b.test:443", Target("b.test", 443, "b.test", "b.test:443")),
        ("b.test", Target("b.test", 8448, "b.test", "b.test")),
        ("no name", Target("a.test", 8448, "a.test", "a.test")),
        ("b.test:port", Target("a.test", 8448, "a.test", "a.test")),
    ],
)
def test_names_with_files(delegated: str, found: Target) -> None:
    assert targets("a.test", delegated) == [found]


def test_records_name_another_place_for_the_same_certificate() -> None:
    records: dict[str, Any] = {"_matrix-fed._tcp__a__test": FED, "_matrix._tcp__a__test": OLD, "_matrix._tcp__b__test": OLD}
    assert targets("a.test", **records) == [Target("fed.test", 1, "a.test", "a.test")]
    assert targets("a.test", "b.test", **records) == [Target("old.test", 2, "b.test", "b.test")]
    assert targets("c.test", **records) == [Target("c.test", 8448, "c.test", "c.test")]
    assert targets("a.test:80", **records) == [Target("a.test", 80, "a.test", "a.test:80")]


def test_records_in_order_of_priority_and_by_weight() -> None:
    records = [Srv(20, 5, "last", 1), Srv(10, 0, "seldom", 1), Srv(10, 90, "often", 1), Srv(0, 0, ".", 1)]
    orders = [[target.host for target in by_srv("a", records, SeededChance(seed))] for seed in range(200)]
    assert all(order[2] == "last" and len(order) == 3 for order in orders)
    assert 150 < sum(order[0] == "often" for order in orders) < 200


def page(status: int, body: bytes = b"", **headers: str) -> ReadyAnswer:
    return ReadyAnswer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


FILE = b'{"m.server":"b.test"}'


@pytest.mark.parametrize(
    "pages",
    [
        {"a.test": page(404, FILE)},
        {"a.test": page(200, b"<html>")},
        {"a.test": page(200, b'{"m.server":5}')},
        {"a.test": page(200, b'{"m.server":""}')},
        {"a.test": page(200, b'["b.test"]')},
        {"a.test": page(200, FILE + b" " * 60_000)},
        {"a.test": page(302)},
        {"a.test": page(302, location="http://b.test/x"), "b.test:443/x": page(200, FILE)},
        {"a.test": page(302, location=PATH)},
        {"a.test": page(302, location="https://b.test:99999/x")},
        {"a.test": page(302, location="gopher://b.test/x")},
        {"a.test": page(302, location="https://[b.test/x")},
        {"a.test": page(302, location="//b\u2100.test/x")},
        {"a.test": page(301, location="/1"), **{f"a.test:443/{n}": page(301, location=f"/{n + 1}") for n in range(1, 20)}},
    ],
)
def test_what_is_no_file(pages: dict[str, Any]) -> None:
    web = Web(pages)
    assert run(WellKnown(web, FakeClock(), SeededChance()).of("a.test")) is None
    assert len(web.asked) < 8


def test_redirects_are_followed() -> None:
    pages: dict[str, Any] = {
        "a.test": page(301, location="https://www.a.test:444/one?x=y"),
        "www.a.test:444/one?x=y": page(307, location="/two"),
        "www.a.test:444/two": page(200, FILE),
    }
    assert run(WellKnown(Web(pages), FakeClock(), SeededChance()).of("a.test")) == "b.test"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", USUAL_S),
        ("public", USUAL_S),
        ("public, Max-Age=7200", 7200),
        ('max-age="7200"', 7200),
        ("max-age=0", SHORTEST_S),
        ("no-cache, max-age=7200", SHORTEST_S),
        ("max-age=99999999999999999999", LONGEST_S),
        ("max-age=-1", USUAL_S),
    ],
)
def test_how_long_a_file_is_kept(header: str, seconds: float) -> None:
    assert lifetime({"cache-control": header} if header else {}, NOW_MS) == seconds


TWO_HOURS_ON, AN_HOUR_AGO = "Sun, 06 Nov 1994 10:49:37 GMT", "Sun, 06 Nov 1994 07:49:37 GMT"
NOW_MS = 784_111_777_000  # 08:49:37 of that day


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"cache-control": "max-age=7200", "age": "3000"}, 4200),
        ({"cache-control": "max-age=7200", "age": "7200"}, SHORTEST_S),
        ({"cache-control": "max-age=7200", "age": "nonsense"}, 7200),
        ({"cache-control": "max-age=999999999", "age": "1"}, LONGEST_S),
        ({"age": "3000"}, USUAL_S),
        ({"expires": TWO_HOURS_ON}, 7200),
        ({"expires": "Sunday, 06-Nov-94 10:49:37 GMT"}, 7200),
        ({"expires": TWO_HOURS_ON, "age": "3000"}, 4200),
        ({"expires": TWO_HOURS_ON, "date": AN_HOUR_AGO}, 3 * HOUR),
        ({"expires": TWO_HOURS_ON, "date": "nonsense"}, 7200),
        ({"expires": TWO_HOURS_ON, "cache-control": "public"}, 7200),
        ({"expires": TWO_HOURS_ON, "cache-control": "max-age=600"}, 600),
        ({"expires": TWO_HOURS_ON, "cache-control": "no-store"}, SHORTEST_S),
        ({"expires": AN_HOUR_AGO}, SHORTEST_S),
        ({"expires": "0"}, SHORTEST_S),
        ({"expires": "Fri, 31 Dec 9999 23:59:59 GMT"}, LONGEST_S),
        ({"expires": "Fri, 31 Dec 9999 23:59:59 -2359"}, LONGEST_S),
    ],
)
def test_other_headers_about_how_long(headers: dict[str, str], seconds: float) -> None:
    assert lifetime(headers, NOW_MS) == seconds


def test_a_file_is_asked_for_again_when_it_is_stale() -> None:
    clock, web = FakeClock(), Web({"a.test": page(200, FILE, cache_control="max-age=7200", age="6000")})
    known = WellKnown(web, clock, SeededChance())
    for _ in range(2):
        assert run(known.of("a.test")) == "b.test"
        clock.advance(1201)
    assert len(web.asked) == 2


def test_answers_are_kept_and_failures_for_longer_each_time() -> None:
    clock, web = FakeClock(), Web({"a.test": "b.test"})
    known = WellKnown(web, clock, SeededChance())

    def after(seconds: float, host: str = "a.test") -> tuple[str | None, int]:
        clock.advance(seconds)
        before = len(web.asked)
        return run(known.of(host)), len(web.asked) - before

    assert [after(0), after(20 * HOUR), after(5 * HOUR)] == [("b.test", 1), ("b.test", 0), ("b.test", 1)]
    web.pages.clear()
    assert [after(25 * HOUR), after(30), after(10 * HOUR), after(20 * HOUR)] == [("b.test", 1), ("b.test", 0), ("b.test", 1), (None, 1)]
    assert [after(0, "c.test")[1], after(30, "c.test")[1], after(40, "c.test")[1], after(70, "c.test")[1]] == [1, 0, 1, 0]
    web.pages["c.test"] = "d.test"
    assert after(2 * HOUR, "c.test") == ("d.test", 1)
