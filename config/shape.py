"""What a section looks like: a JSON Schema from its fields, values checked by that schema, and the section built from them.

A section is a NamedTuple. A field says more where it is annotated: `minimum`, `maximum`, `pattern` (with `says`: the same in words), `path`
(a relative path counts from the data directory).
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from config.secret import Secret

T = TypeVar("T")
Path = tuple[str, ...]
LARGEST = 2**53 - 1  # whole numbers beyond it travel through no JSON, and times in milliseconds through no database
PLAIN = {"pattern": r"^[^\x00-\x1f\x7f]*$", "description": "text without control characters"}
SIMPLE: dict[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string", Secret: "string"}
WORDS = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "text in quotes",
    "array": "a list",
    "object": "a table",
}


class Problem(NamedTuple):
    path: Path
    message: str


def describe(section: type) -> dict[str, Any]:
    """The JSON Schema of a section, its fields' and theirs in turn."""
    hints = get_type_hints(section, include_extras=True)
    needed = [name for name in hints if name not in defaults(section)]
    properties = {name: _describe(hint) for name, hint in hints.items()}
    described: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**described, "required": needed} if needed else described


def is_section(hint: Any) -> bool:
    return hasattr(hint, "_fields")


def defaults(section: Any) -> dict[str, Any]:
    """What a section's fields hold when nothing is given."""
    found: dict[str, Any] = section._field_defaults
    return found


def more_of(hint: Any) -> dict[str, Any]:
    """What a field says beside its type."""
    found: dict[str, Any] = get_args(hint)[1] if get_origin(hint) is Annotated else {}
    return found


def _describe(hint: Any) -> dict[str, Any]:
    more = more_of(hint)
    hint = get_args(hint)[0] if more else hint
    if get_origin(hint) is Literal:
        return {"type": "string", "enum": list(get_args(hint))}
    if get_origin(hint) is tuple:
        return {"type": "array", "items": _describe(get_args(hint)[0])}
    if is_section(hint):
        return describe(hint)
    described: dict[str, Any] = {"type": SIMPLE[hint]}
    if described["type"] == "string":
        described.update(PLAIN)
    elif hint is int:
        described["maximum"] = LARGEST
    if hint is Secret:
        described["writeOnly"] = True
    described.update({word: more[word] for word in ("minimum", "maximum", "pattern") if word in more})
    if "says" in more:
        described["description"] = more["says"]
    return described


def check(value: Any, schema: dict[str, Any], path: Path = (), *, partial: bool = True) -> Iterator[Problem]:
    """What the schema forbids in the value. `partial`: what is required may be missing here, since a default fills it in."""
    kind = schema["type"]
    shown = "what was given" if schema.get("writeOnly") else _shown(value)
    if not _is(value, kind):
        yield Problem(path, f"must be {WORDS[kind]}, not {shown}")
    elif kind == "object":
        yield from _check_table(value, schema, path, partial=partial)
    elif kind == "array":
        for item in value:
            yield from check(item, schema["items"], path, partial=False)
    elif value not in schema.get("enum", [value]):
        yield Problem(path, f"must be one of {', '.join(schema['enum'])}, not {shown}")
    elif "pattern" in schema and not re.fullmatch(schema["pattern"], value):  # `$` alone lets a line break through
        yield Problem(path, f"must be {schema.get('description', 'of the form ' + schema['pattern'])}, not {shown}")
    elif value < schema.get("minimum", value) or value > schema.get("maximum", value):
        yield Problem(path, f"must be {_range(schema, value)}, not {shown}")


def _check_table(value: dict[str, Any], schema: dict[str, Any], path: Path, *, partial: bool) -> Iterator[Problem]:
    for name, item in value.items():
        known = schema["properties"].get(name)
        if known is None:
            yield Problem((*path, name), f"is no setting{_guess(name, schema['properties'])}")
        else:
            yield from check(item, known, (*path, name), partial=partial)
    if not partial:
        yield from (Problem((*path, name), "is missing") for name in schema.get("required", ()) if name not in value)


def _guess(name: str, known: dict[str, Any]) -> str:
    import difflib

    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sorted(known))}"


def _is(value: Any, kind: str) -> bool:
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool) and value == value and abs(value) != float("inf")  # noqa: PLR0124 - NaN
    return isinstance(value, {"boolean": bool, "string": str, "array": list, "object": dict}[kind])


def _range(schema: dict[str, Any], value: float) -> str:
    low, high = schema.get("minimum"), schema.get("maximum", LARGEST)
    if low is None or (high == LARGEST and value > high):
        return f"at most {high}"
    return f"at least {low}" if high == LARGEST else f"from {low} to {high}"


def _shown(value: Any) -> str:
    """On one line, whatever it is."""
    if isinstance(value, str):
        return f"“{''.join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in value[:60])}”"
    return "a table" if isinstance(value, dict) else str(value)[:60].lower()


def build(section: type[T], given: dict[str, Any], default: T | None = None) -> T:
    """The section with what is given; the rest from `default`, or from the fields' own defaults."""
    known = defaults(section)
    values: dict[str, Any] = {}
    for name, hint in get_type_hints(section).items():
        if default is not None:
            values[name] = getattr(default, name)
        if name in given:
            values[name] = _build(hint, given[name], values.get(name, known.get(name)))
    return section(**values)


def _build(hint: Any, given: Any, default: Any) -> Any:
    if is_section(hint):
        return build(hint, given, default)
    if get_origin(hint) is tuple:
        return tuple(_build(get_args(hint)[0], item, None) for item in given)
    if hint is Secret:
        return Secret(given)
    return float(given) if hint is float else given
