"""Bodies of requests: strict JSON, then the shape that the endpoint declares.

Client-server API, "Standard error response": M_NOT_JSON for what is no JSON; M_MISSING_PARAM for a missing key, M_BAD_JSON for a wrong type,
M_INVALID_PARAM for a value of the right type that is not allowed.
"""

import re
from collections.abc import Callable
from typing import Any

import fastjsonschema

import schema
from homeserver.errors import BadJson, InvalidParam, MatrixError, MissingParam, NotJson
from homeserver.protocol import canonical_json
from homeserver.protocol.errors import InvalidJson
from homeserver.protocol.limits import MAX_FEDERATION_JSON_NESTING, MAX_INTEGER, MIN_INTEGER
from homeserver.web.endpoint import Body, Schema

_PERHAPS_HUGE = re.compile(rb"[0-9]{16}")
_PERHAPS_WHOLE = re.compile(rb"[0-9](\.0|[eE])|\.[0-9]+[eE]")
_WRONG_TYPE = frozenset({"type", "additionalProperties", "oneOf", "anyOf", "allOf", "not", "if"})

Parse = Callable[[bytes], Any]
Check = Callable[[Any], Any]


def parse_json(data: bytes) -> Any:
    """The value; floats may occur, integers must be within ±(2^53−1). Raises NotJson, BadJson."""
    if _PERHAPS_HUGE.search(data) is None:
        try:
            return canonical_json.parse(data)
        except InvalidJson as error:
            raise _refusal(error) from error
    try:
        value = canonical_json.parse(data, exact_integers=True)
    except InvalidJson as error:
        raise _refusal(error) from error
    if _has_huge_integer(value):
        raise BadJson("An integer outside ±(2^53−1)")
    return value


def parse_of_peer(data: bytes) -> dict[str, Any]:
    """An object of another server: what one event in it has too deep or too large spoils that event alone. Raises NotJson, BadJson."""
    try:
        value = canonical_json.parse(data, max_nesting=MAX_FEDERATION_JSON_NESTING, exact_integers=True)
    except InvalidJson as error:
        raise _refusal(error) from error
    if type(value) is not dict:
        raise BadJson("The body must be a JSON object")
    return value


def parse_optional_of_peer(data: bytes) -> dict[str, Any]:
    return parse_of_peer(data) if data else {}


def _refusal(error: InvalidJson) -> MatrixError:
    text = str(error)
    return NotJson("The body is no valid JSON") if text.startswith("not JSON") else BadJson(f"The body is refused: {text}")


def _has_huge_integer(value: Any) -> bool:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
        elif type(item) is int and not MIN_INTEGER <= item <= MAX_INTEGER:
            return True
    return False


def with_whole_numbers(value: Any) -> Any:
    """The value with 1.0 as 1: an integer to JSON Schema, so it must be one to the endpoint. Raises BadJson for what is no integer of ours."""
    if type(value) is float and value.is_integer():
        if not MIN_INTEGER <= value <= MAX_INTEGER:
            raise BadJson("An integer outside ±(2^53−1)")
        return int(value)
    if type(value) is dict:
        return {key: with_whole_numbers(item) for key, item in value.items()}
    if type(value) is list:
        return [with_whole_numbers(item) for item in value]
    return value


def parse_object(data: bytes) -> dict[str, Any]:
    value = parse_json(data)
    if type(value) is not dict:
        raise BadJson("The body must be a JSON object")
    return value


def parse_optional_object(data: bytes) -> dict[str, Any]:
    return parse_object(data) if data else {}


def compile_check(name: str) -> Check:
    """The check of a schema as generated code; it raises JsonSchemaValueException and leaves the value alone."""
    check: Check = fastjsonschema.compile(schema.load(name), use_default=False, detailed_exceptions=True)
    return check


def explain(error: fastjsonschema.JsonSchemaValueException) -> MatrixError:
    """The Matrix error for what a schema refused; the text names the place."""
    path = ".".join(str(part) for part in error.path[1:]) or "the body"
    if error.rule == "required":
        present = error.value if isinstance(error.value, dict) else {}
        missing = [key for key in error.rule_definition if key not in present]
        prefix = "" if path == "the body" else f"{path}."
        return MissingParam(f"Missing: {', '.join(prefix + key for key in missing)}")
    if error.rule in _WRONG_TYPE:
        wanted = error.rule_definition
        kind = " or ".join(wanted) if isinstance(wanted, list) else wanted
        return BadJson(f"{path} must be of type {kind}" if error.rule == "type" else f"{path} has a wrong shape")
    if error.rule == "enum":
        named = [choice for choice in error.rule_definition if choice is not None]
        return InvalidParam(f"{path} must be one of {', '.join(map(str, named))}")
    return InvalidParam(f"{path} is out of range")


class Validation:
    """The parsers of declared bodies. A schema is compiled when its first body comes; `compile_all` does so at once."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    def parser(self, body: Body | Schema, *, of_peer: bool = False) -> Parse | None:
        """What makes `request.body` out of the bytes; None when the endpoint takes no JSON. A schema that does not exist stops the start."""
        whole, optional = (parse_of_peer, parse_optional_of_peer) if of_peer else (parse_object, parse_optional_object)
        if isinstance(body, Schema):
            schema.load(body.name)
            return self._schema_parser(body.name, optional if body.optional else whole)
        return {Body.OBJECT: whole, Body.OPTIONAL_OBJECT: optional}.get(body)

    def _schema_parser(self, name: str, parse: Parse) -> Parse:
        checks = self._checks

        def parse_and_check(data: bytes) -> Any:
            value = parse(data)
            if _PERHAPS_WHOLE.search(data) is not None:
                value = with_whole_numbers(value)
            check = checks.get(name)
            if check is None:
                check = checks[name] = compile_check(name)
            try:
                check(value)
            except fastjsonschema.JsonSchemaValueException as error:
                raise explain(error) from error
            return value

        return parse_and_check
