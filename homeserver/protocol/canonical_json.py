"""JSON in and out: the parser of the edge, and the one encoding that is hashed and signed.

Specification: appendices, "Canonical JSON". What `parse` lets through is what is later shown, hashed and signed: a text that two parsers
could read differently (a key twice, NaN, a lone surrogate) is refused. Numbers are judged by `check`, because room versions 1 to 5
tolerate what later ones refuse.
"""

import json
import math
import re
from typing import Any

import orjson

from homeserver.protocol.errors import InvalidJson
from homeserver.protocol.limits import MAX_FEDERATION_JSON_NESTING, MAX_INTEGER, MAX_JSON_NESTING, MIN_INTEGER

_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
_STRICT = _CANONICAL | orjson.OPT_STRICT_INTEGER
_ENCODER_NESTING = 240  # orjson goes to 254
_DEEPEST_ENCODED = 255
SURELY_FEW = (
    200_000  # objects and lists of any text; each takes a hundred bytes of memory and more, though three bytes are enough to write it
)
BYTES_EACH = 10  # beyond
_BEYOND_64_BITS = re.compile(rb"[0-9]{19}")


def _refuse_constant(name: str) -> None:
    raise InvalidJson(f"{name} is no JSON value")


def _object_without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidJson("an object has the same key twice")
    return found


def _parse_slowly(data: bytes) -> Any:
    """The standard library's parser: sees repeated keys and keeps integers of any size. The text is known to be well-formed."""
    try:
        return json.loads(data, object_pairs_hook=_object_without_repeats, parse_constant=_refuse_constant)
    except InvalidJson:
        raise
    except (ValueError, RecursionError) as error:
        raise InvalidJson("JSON that is nested too deeply or has too long a number") from error


def _written(value: Any) -> bytes | None:
    """None: it is nested deeper than the encoder goes."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return None


def _has_no_repeated_key(data: bytes, written: bytes | None) -> bool:
    """Proves it cheaply, or returns False when only a closer look can tell. `written`: the value, written out again.

    That has one colon for each member kept and the same colons within strings; so a member that was dropped in parsing shows as a missing
    colon, unless the text spells colons as escapes.
    """
    if written is None or (b"\\u003" in data and (b"\\u003a" in data or b"\\u003A" in data)):
        return False
    return data.count(b":") == written.count(b":")


def _check_nesting(value: Any, limit: int) -> None:
    level = [value] if type(value) is dict or type(value) is list else []
    depth = 0
    while level:
        depth += 1
        if depth > limit:
            raise InvalidJson(f"JSON nested deeper than {limit}")
        below: list[Any] = []
        for container in level:
            values = container.values() if type(container) is dict else container
            below += [item for item in values if type(item) is dict or type(item) is list]
        level = below


def parse(data: bytes, *, max_nesting: int = MAX_JSON_NESTING, exact_integers: bool = False) -> Any:
    """The value of a JSON text in UTF-8; raises InvalidJson.

    Refused: repeated keys, NaN and infinities, numbers that overflow, lone surrogates, a byte order mark, too deep nesting.
    Integers beyond 64 bits become floats, as JavaScript reads them, unless `exact_integers` (what other servers send in old rooms).
    """
    containers = data.count(b"[") + data.count(b"{")  # and what looks like them within strings
    if containers > SURELY_FEW + len(data) // BYTES_EACH:
        raise InvalidJson("more objects and lists than there may be")
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise InvalidJson(f"not JSON: {error}") from error
    written = _written(value)
    is_same = written == data  # so nothing was dropped, and no number is another
    has_no_repeated_key = is_same or _has_no_repeated_key(data, written)  # so the encoder went to the bottom of it
    if containers > max_nesting and not (has_no_repeated_key and max_nesting >= _DEEPEST_ENCODED):
        _check_nesting(value, max_nesting)
    if not has_no_repeated_key or (exact_integers and not is_same and _BEYOND_64_BITS.search(data) is not None):
        return _parse_slowly(data)
    return value


def parse_strict(data: bytes) -> Any:
    """As `parse`, and every number an integer that canonical JSON allows."""
    value = parse(data)
    check(value)
    return value


def check(value: Any, strict: bool = True, *, max_nesting: int = MAX_JSON_NESTING) -> None:
    """Raises InvalidJson for a value without canonical form; `strict` also for floats and for integers outside ±(2^53−1)."""
    level: list[Any] = [(value,)]
    depth = -1
    while level:
        depth += 1
        if depth > max_nesting:
            raise InvalidJson(f"JSON nested deeper than {max_nesting}")
        below: list[Any] = []
        for container in level:
            for item in container.values() if type(container) is dict else container:
                kind = type(item)
                if kind is str or kind is bool or item is None:
                    continue
                if kind is dict or kind is list:
                    below.append(item)
                elif kind is int:
                    if strict and not MIN_INTEGER <= item <= MAX_INTEGER:
                        raise InvalidJson("an integer outside ±(2^53−1)")
                else:
                    _check_unusual(item, strict, below)
        level = below


def _check_unusual(item: Any, strict: bool, below: list[Any]) -> None:
    if isinstance(item, str):
        return
    if isinstance(item, (dict, tuple)):
        below.append(dict(item) if isinstance(item, dict) else item)
    elif isinstance(item, float):
        if strict:
            raise InvalidJson("a number with a fraction or exponent")
        if not math.isfinite(item):
            raise InvalidJson("a number that is not finite")
    else:
        raise InvalidJson(f"{type(item).__name__} is no JSON value")


def encode(value: Any) -> bytes:
    """Canonical JSON of a value that has passed `check`; raises InvalidJson for integers, keys and text that have no form."""
    try:
        return orjson.dumps(value, option=_STRICT)
    except TypeError as error:
        if "Dict key must be str" not in str(error):
            raise InvalidJson(f"no canonical JSON: {error}") from error
    try:
        return orjson.dumps(_with_plain_keys(value), option=_STRICT)
    except TypeError as error:
        raise InvalidJson(f"no canonical JSON: {error}") from error


def encode_tolerant(value: Any) -> bytes:
    """Canonical JSON as room versions 1 to 5 and signed requests have it: floats and big integers are written as Python writes them."""
    try:
        check(value, max_nesting=_ENCODER_NESTING)
    except InvalidJson:
        check(value, strict=False, max_nesting=MAX_FEDERATION_JSON_NESTING)
    else:
        return encode(value)
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidJson(f"no canonical JSON: {error}") from error


def _with_plain_keys(value: Any) -> Any:
    """A copy whose keys are plain `str`, for the encoder takes no subclass there; other keys stay and are refused by it."""
    if isinstance(value, dict):
        return {str(key) if isinstance(key, str) else key: _with_plain_keys(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_plain_keys(item) for item in value]
    return value
