"""The parser of the edge and the canonical encoder, against the reference encoder and a list of hostile texts."""

import json
from typing import Any

import pytest
from canonicaljson import encode_canonical_json
from hypothesis import given

from homeserver.protocol import canonical_json
from homeserver.protocol.errors import InvalidJson
from homeserver.protocol.ids import ServerName
from homeserver.protocol.limits import MAX_INTEGER, MAX_JSON_NESTING
from tests.protocol.samples import strict_values, tolerated_values


@given(strict_values)
def test_strict_values_are_encoded_as_the_reference_does(value: Any) -> None:
    canonical_json.check(value)
    assert canonical_json.encode(value) == encode_canonical_json(value)


@given(tolerated_values)
def test_tolerated_values_are_encoded_as_the_reference_does(value: Any) -> None:
    assert canonical_json.encode_tolerant(value) == encode_canonical_json(value)


@given(strict_values)
def test_parsing_undoes_encoding(value: Any) -> None:
    assert canonical_json.parse_strict(canonical_json.encode(value)) == value


@given(tolerated_values)
def test_exact_parsing_keeps_numbers_of_any_size(value: Any) -> None:
    encoded = canonical_json.encode_tolerant(value)
    assert canonical_json.encode_tolerant(canonical_json.parse(encoded, exact_integers=True)) == encoded


@given(tolerated_values)
def test_no_escape_or_white_space_is_taken_for_a_repeated_key(value: Any) -> None:
    for text in (json.dumps(value), json.dumps(value, indent=2, ensure_ascii=False)):
        assert canonical_json.parse(text.encode(), exact_integers=True) == value


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"NaN",
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":1e400}',
        b'{"a":01}',
        b'{"a":+1}',
        b'{"a":.5}',
        b'{"a":1,}',
        b"{'a':1}",
        b'{"a":1}{"a":1}',
        b'\xef\xbb\xbf{"a":1}',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\\ud800"',
        b'{"\\udc00":1}',
        b'"a\nb"',
        b'"a\x00b"',
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b'{"a":1,"\\u0061":2}',
        b'[{"x":{"b":":","b":"::"}}]',
        b'{"a":"::","a":"\\u003a\\u003a\\u003A"}',
        b'{"a":{"b":1},"a":1e5}',
        b"[" * 101 + b"]" * 101,
        b'{"a":' * 400 + b"1" + b"}" * 400,
        b"[" * 5_000 + b"]" * 5_000,
        b"[" * 30_000,
        b"[" + b"9" * 5_000 + b"]",
    ],
)
def test_refused_texts(text: bytes) -> None:
    with pytest.raises(InvalidJson):
        canonical_json.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1.5}',
        b'{"a":1.0}',
        b'{"a":-0.0}',
        b'{"a":1e3}',
        b'{"a":9007199254740992}',
        b"[-9007199254740992]",
        b"[123456789012345678901234567890]",
    ],
)
def test_numbers_that_only_old_room_versions_tolerate(text: bytes) -> None:
    value = canonical_json.parse(text)
    canonical_json.check(value, strict=False)
    with pytest.raises(InvalidJson):
        canonical_json.check(value)
    with pytest.raises(InvalidJson):
        canonical_json.parse_strict(text)


def test_a_colon_written_as_an_escape_is_no_repeated_key() -> None:
    assert canonical_json.parse(b'{"a\\u003a":"\\u003A","a":1}') == {"a:": ":", "a": 1}


def test_minus_zero_is_zero() -> None:
    assert canonical_json.encode(canonical_json.parse_strict(b"[-0]")) == b"[0]"


def test_the_nesting_limit_is_exact() -> None:
    deepest = b"[" * MAX_JSON_NESTING + b"]" * MAX_JSON_NESTING
    value = canonical_json.parse(deepest)
    canonical_json.check(value)
    with pytest.raises(InvalidJson):
        canonical_json.parse(b"[" + deepest + b"]")
    with pytest.raises(InvalidJson):
        canonical_json.check([value])


def test_federation_bodies_may_be_nested_deeper_so_that_one_event_does_not_spoil_the_rest() -> None:
    text = b'{"a":' * 400 + b"1" + b"}" * 400
    value = canonical_json.parse(text, max_nesting=500)
    assert canonical_json.encode_tolerant(value) == text
    with pytest.raises(InvalidJson):
        canonical_json.parse(text.replace(b"1", b'{"b":1,"b":1}'), max_nesting=500)


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        float("nan"),
        float("inf"),
        MAX_INTEGER + 1,
        -MAX_INTEGER - 1,
        {"a": [1, {"b": 0.1}]},
        {"a": ({1.0: 0.1},)},
        {1, 2},
        b"x",
        object(),
    ],
)
def test_values_that_fail_the_strict_check(value: Any) -> None:
    with pytest.raises(InvalidJson):
        canonical_json.check(value)


@pytest.mark.parametrize("value", [{"a": "\ud800"}, {"\ud800": 1}, {1: 2}, {None: 1}, [MAX_INTEGER + 1], [{1, 2}], b"x"])
def test_values_that_the_encoder_refuses_by_itself(value: Any) -> None:
    with pytest.raises(InvalidJson):
        canonical_json.encode(value)


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), {"a": "\udfff"}, {"a": {1, 2}}, {1.5: 2}, {None: 1, "a": 1.5}])
def test_values_without_any_form(value: Any) -> None:
    with pytest.raises(InvalidJson):
        canonical_json.encode_tolerant(value)


def test_identifiers_are_encoded_as_the_strings_they_are() -> None:
    name = ServerName("example.org")
    assert canonical_json.encode({name: [name], "a": (1, name)}) == b'{"a":[1,"example.org"],"example.org":["example.org"]}'
    canonical_json.check({name: name})
