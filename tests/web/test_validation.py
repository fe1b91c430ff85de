"""Bodies: what is JSON, what fits, and which error says otherwise."""

from typing import Any

import fastjsonschema
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import schema
from homeserver.errors import BadJson, InvalidParam, MatrixError, MissingParam, NotJson
from homeserver.web.endpoint import Body, Schema
from homeserver.web.validation import Validation, compile_check, explain, parse_json

ORDER = {
    "type": "object",
    "required": ["kind", "count"],
    "properties": {
        "kind": {"enum": ["tea", "coffee"]},
        "count": {"type": "integer", "minimum": 1},
        "guests": {
            "type": "array",
            "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "minLength": 1}}},
        },
        "note": {"type": ["string", "null"]},
        "size": {"enum": ["small", "large", None]},
    },
}


def error_for(value: Any) -> MatrixError:
    with pytest.raises(fastjsonschema.JsonSchemaValueException) as refused:
        fastjsonschema.compile(ORDER, use_default=False)(value)
    return explain(refused.value)


@pytest.mark.parametrize(
    "value, kind, text",
    [
        ({"kind": "tea"}, MissingParam, "Missing: count"),
        ({}, MissingParam, "Missing: kind, count"),
        ({"kind": "milk", "count": 1}, InvalidParam, "kind must be one of tea, coffee"),
        ({"kind": "tea", "count": 1, "size": "huge"}, InvalidParam, "size must be one of small, large"),
        ({"kind": "tea", "count": "1"}, BadJson, "count must be of type integer"),
        ({"kind": "tea", "count": True}, BadJson, "count must be of type integer"),
        ({"kind": "tea", "count": 0}, InvalidParam, "count is out of range"),
        ({"kind": "tea", "count": 1, "note": 1}, BadJson, "note must be of type string or null"),
        ({"kind": "tea", "count": 1, "guests": [{"name": "a"}, {}]}, MissingParam, "Missing: guests.1.name"),
        ({"kind": "tea", "count": 1, "guests": [{"name": 5}]}, BadJson, "guests.0.name must be of type string"),
        ([], BadJson, "the body must be of type object"),
    ],
)
def test_errors_name_the_place(value: Any, kind: type[MatrixError], text: str) -> None:
    error = error_for(value)
    assert type(error) is kind
    assert error.message == text


def test_parsers_of_declared_bodies() -> None:
    validation = Validation()
    assert validation.parser(Body.NONE) is None
    assert validation.parser(Body.STREAM) is None
    parse = validation.parser(Body.OPTIONAL_OBJECT)
    assert parse is not None
    assert parse(b"") == {}
    typing = validation.parser(Schema("client/typing"))
    assert typing is not None
    assert typing(b'{"typing":true,"timeout":5}') == {"typing": True, "timeout": 5}
    with pytest.raises(MissingParam):
        typing(b"{}")
    with pytest.raises(NotJson):
        typing(b"")
    with pytest.raises(LookupError):
        validation.parser(Schema("client/no_such_thing"))


@pytest.mark.parametrize("name", schema.names("client"))
def test_every_schema_compiles(name: str) -> None:
    compile_check(name)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53) + 1, 2**53 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    )
)
def test_what_is_json_is_taken(value: Any) -> None:
    assert parse_json(orjson.dumps(value)) == value


@given(st.binary(max_size=60) | st.text('{}[]",:0123456789eE+-.\\u ntrf', max_size=60).map(str.encode))
def test_any_bytes_are_taken_or_refused(data: bytes) -> None:
    try:
        parse_json(data)
    except (NotJson, BadJson):
        return


def test_integers_at_the_border() -> None:
    assert parse_json(b"[9007199254740991, -9007199254740991]") == [2**53 - 1, 1 - 2**53]
    assert parse_json(b'{"a":"12345678901234567890"}') == {"a": "12345678901234567890"}
    assert parse_json(b"[12345678901234567890.5]")
    for number in (b"9007199254740992", b"-9007199254740992", b"18446744073709551616", b"1" + b"0" * 200):
        with pytest.raises(BadJson):
            parse_json(b'{"a":[%b]}' % number)


def test_a_whole_number_is_an_integer_however_it_is_written() -> None:
    parse = Validation().parser(Schema("client/public_rooms"))
    assert parse is not None
    for text in ("7", "7.0", "70e-1", "0.7E1", "7.00"):
        limit = parse(b'{"limit": %b, "x": [0.5, {"y": %b}]}' % (text.encode(), text.encode()))["limit"]
        assert (limit, type(limit)) == (7, int), text
    for text in ("1e300", "-9007199254740993.0"):
        with pytest.raises(BadJson):
            parse(b'{"limit": %b}' % text.encode())
    with pytest.raises(BadJson):
        parse(b'{"limit": 7.5}')
