"""Percent-decoding and query strings (RFC 3986; client-server API, "API Standards"). Refuses what has no meaning as UTF-8 text."""

from homeserver.errors import InvalidParam

MAX_QUERY_FIELDS = 200

# Every escape of a plain ASCII character, in both cases; NUL is left out on purpose: nothing in Matrix needs it and databases refuse it.
_ASCII = {spelling: chr(code) for code in range(1, 128) for spelling in (f"{code:02x}", f"{code:02X}")}
_ASCII |= {f"{code:02X}"[0] + f"{code:02x}"[1]: chr(code) for code in range(1, 128)}


def decode(text: str) -> str:
    """The text with its %XX escapes resolved; M_INVALID_PARAM for broken escapes, invalid UTF-8 and NUL."""
    first, *rest = text.split("%")
    parts = [first]
    for part in rest:
        character = _ASCII.get(part[:2])
        if character is None:
            return _decode_bytes(first, rest)
        parts.append(character)
        parts.append(part[2:])
    return "".join(parts)


def _decode_bytes(first: str, rest: list[str]) -> str:
    found = bytearray(first.encode())
    try:
        for part in rest:
            if len(part) < 2 or not part[:2].isalnum():
                raise InvalidParam("A broken percent escape in the URL")
            found.append(int(part[:2], 16))
            found += part[2:].encode()
        decoded = found.decode()
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
