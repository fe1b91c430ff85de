"""In which line of a TOML file a setting stands, so that a mistake can be shown where it was made."""

import re

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_NAME = rf"{_PART}(?:\s*\.\s*{_PART})*"
_TABLE = re.compile(rf"^\s*\[\[?\s*({_NAME})\s*\]\]?")
_KEY = re.compile(rf"^\s*({_NAME})\s*=")
_INNER = re.compile(rf"[{{,]\s*({_NAME})\s*=")
_TRIPLE = re.compile(r'"""|' + "'''")


def find_line(text: str, path: tuple[str, ...]) -> int | None:
    """The first line that gives this setting; failing that, the nearest table around it."""
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    quote = ""  # the quotes of a text over several lines that we are in
    for number, line in enumerate(text.splitlines(), 1):
        if not quote:
            if header := _TABLE.match(line):
                table = key = _parts(header.group(1))
            elif named := _KEY.match(line):
                key = table + _parts(named.group(1))
            found.setdefault(key, number)
            for inner in _INNER.finditer(line):
                found.setdefault(key + _parts(inner.group(1)), number)
        for mark in _TRIPLE.findall(line):
            quote = mark if not quote else "" if quote == mark else quote
    for length in range(len(path), 0, -1):
        if path[:length] in found:
            return found[path[:length]]
    return None


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, name))
