"""Percent-decoding and query strings (RFC 3986; client-server API, "API Standards"). Refuses what has no meaning as UTF-8 text."""

from homeserver.errors import InvalidParam

MAX_QUERY_FIELDS = 200


def decode(text: str) -> str:
    """The text with its %XX escapes resolved; M_INVALID_PARAM for broken escapes, invalid UTF-8 and NUL.

    Python's codec for backslash escapes does it at the speed of C: once every backslash is doubled, only ours are left.
    """
    escaped = text.replace("\\", "\\\\").replace("%", "\\x")
    try:
        decoded = escaped.encode().decode("unicode_escape").encode("latin-1").decode()
    except ValueError as error:
        raise InvalidParam("The URL is not percent-encoded UTF-8") from error
    if "\0" in decoded:
        raise InvalidParam("NUL in the URL")
    return decoded


def parse_query(text: str) -> dict[str, list[str]]:
    """All parameters in order of appearance, blank values kept; M_INVALID_PARAM for bad escapes or too many of them."""
    found: dict[str, list[str]] = {}
    if not text:
        return found
    fields = text.split("&", MAX_QUERY_FIELDS)
    if len(fields) > MAX_QUERY_FIELDS:
        raise InvalidParam(f"More than {MAX_QUERY_FIELDS} query parameters")
    for item in fields:
        if not item:
            continue
        name, _, value = item.partition("=")
        if "+" in item:
            name, value = name.replace("+", " "), value.replace("+", " ")
        if "%" in item:
            name, value = decode(name), decode(value)
        found.setdefault(name, []).append(value)
    return found


def without_field(text: str, name: str) -> tuple[str | None, str]:
    """(the value of a parameter that stands in the query once and needs no decoding, the query without it); else (None, the query as it is)."""
    parts = text.split(name + "=", 2)
    if len(parts) != 2 or (parts[0] and parts[0][-1] != "&"):
        return None, text
    value, _, rest = parts[1].partition("&")
    if "%" in value or "+" in value:
        return None, text
    return value, parts[0] + rest
