"""Large answers, parsed in pieces, say what they say when they are parsed at once."""

from random import Random
from typing import Any

import orjson
import pytest

from federation import large_answers
from federation.errors import BadAnswer
from federation.large_answers import parse_object, parse_slowly
from tests.support.client import run
from tests.support.clock import FakeClock


@pytest.fixture(autouse=True, params=[(2_000, 64_000), (16, 300)], ids=["as it is", "few together"])
def small(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    for name, value in zip(("LEAST_TOGETHER", "MOST_TOGETHER"), request.param, strict=True):
        monkeypatch.setattr(large_answers, name, value)
    monkeypatch.setattr(large_answers, "LARGE", 0)
    monkeypatch.setattr(large_answers, "AT_ONCE", 3)
    monkeypatch.setattr(large_answers, "MOST_CONTAINERS", 300_000)


def slowly(body: bytes) -> dict[str, Any]:
    clock = FakeClock()
    return run(parse_slowly(body, clock, 1_000), clock)


def an_event(random: Random, depth: int = 0) -> Any:
    words = ["a", '"', "},{", "]", '"state":[{', "\\", "ä🙂", "", ':"pdus": [ {}', "}"]
    kind = random.randrange(6 if depth < 4 else 3)
    if kind >= 4 or depth == 0:
        return {random.choice([*words, "state", "pdus", "x"]): an_event(random, depth + 1) for _ in range(random.randrange(5))}
    if kind == 3:
        return [an_event(random, depth + 1) for _ in range(random.randrange(4))]
    return random.choice([random.choice(words), random.randrange(-(2**60), 2**60), True, None, 1.5])


def spread(value: Any, random: Random) -> bytes:
    text: bytes = orjson.dumps(value, option=random.choice([0, orjson.OPT_INDENT_2]))
    return text


@pytest.mark.parametrize("seed", range(40))
def test_in_pieces_as_at_once(seed: int) -> None:
    random = Random(seed)
    answer: dict[str, Any] = {"event": an_event(random), "origin": "a"}
    for name in random.sample(["state", "auth_chain", "pdus", "events", "other"], 3):
        answer[name] = [an_event(random) for _ in range(random.randrange(12))]
    answer["servers_in_room"] = ["a", "b"]
    body = spread(answer, random)
    assert slowly(body) == parse_object(body) == answer


def test_one_event_that_is_none_spoils_itself_alone() -> None:
    body = b'{"pdus":[{"a":1},{"a":1,"a":2},{"b":NaN_is_a_word},{"c":3}]}'
    with pytest.raises(BadAnswer):
        slowly(body)
    assert slowly(body.replace(b',{"b":NaN_is_a_word}', b"")) == {"pdus": [{"a": 1}, None, {"c": 3}]}


@pytest.mark.parametrize(
    "body",
    [
        b'{"pdus":[{"a":1}',
        b'{"pdus":[{"a":1},',
        b'{"pdus":[{"a":1},7]}',
        b'{"pdus":[{"a":1}]',
        b'{"pdus":[{"a":1}]}x',
        b'{"pdus":[{"a":{"b":1}]}',
        b'[{"pdus":[{"a":1}]}]',
        b'{"pdus":[{' + b'"a":[{},' * 600 + b"{}" + b"]" * 600 + b"}]}",
    ],
)
def test_what_is_broken_is_refused(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        slowly(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"pdus":[' + b"[]," * 500_000 + b"[]]}",
        b'{"pdus":[{}],"x":[' + b"[]," * 500_000 + b"[]]}",
        b'{"pdus":[' + b"{}," * 1_000 + b"{}]}",
        b'{"pdus":[' + (b'{"x":[' + b"[]," * 6_000 + b"1]},") * 60 + b"{}]}",
        b'{"pdus":[{"x":[' + b'{"y":"%b"},' % (b"z" * 2_000) * 400 + b"1]}]}",
        b'{"x":"' + b"y" * large_answers.MOST_NAMES_BYTES + b'"}',
    ],
    ids=["lists", "lists beside", "objects", "full events", "an end that is searched for", "a text"],
)
def test_what_costs_more_than_it_weighs_is_refused(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        slowly(body)


def test_an_event_with_more_in_it_than_may_be_spoils_itself_alone() -> None:
    body = b'{"pdus":[{"a":1},{"x":[' + b"[]," * 320_000 + b'[]]},{"b":2}]}'
    assert slowly(body) == {"pdus": [{"a": 1}, None, {"b": 2}]}


def test_a_list_in_an_event_before_the_list() -> None:
    body = b'{"event":{"content":{"state":[{"x":1}]}},"state":[{"y":{"state":[{"z":2}]}}],"members_omitted":false}'
    assert slowly(body) == orjson.loads(body)
