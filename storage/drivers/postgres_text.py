"""The stores' SQL and text as PostgreSQL takes them."""

import re
from collections.abc import Sequence
from itertools import count
from typing import Any, NamedTuple

from storage.drivers.translate import TOKENS


class Insert(NamedTuple):
    """An INSERT … VALUES (…) whose rows may travel in one statement."""

    head: bytes  # up to VALUES
    row: str  # (%s, …)
    tail: bytes
    keys: tuple[int, ...]  # parameters that are the key of ON CONFLICT … DO UPDATE: rows that agree in them must not meet in one statement

    def together(self, rows: Sequence[Sequence[Any]]) -> bool:
        keys = self.keys
        return not keys or len(rows) == 1 or len({tuple([row[key] for key in keys]) for row in rows}) == len(rows)


_INSERT = re.compile(r"^\s*(INSERT\s+INTO\s+\w+\s*\(([^()]*)\)\s*VALUES\s*)(\((?:[^()']|\(\))*\))(.*)$", re.IGNORECASE | re.DOTALL)
_UPSERT = re.compile(r"\s*ON\s+CONFLICT\s*\(([^()]*)\)\s*(?:WHERE\b.*)?DO\s+UPDATE\b", re.IGNORECASE | re.DOTALL)


def postgres_text(sql: str) -> str:
    """With %s for ?, and an array for each list."""

    def replace(match: re.Match[str]) -> str:
        found = match[0]
        if found.startswith("'") or found == "%":
            return found.replace("%", "%%")
        if found == "?":
            return "%s"
        if found.endswith("??"):
            return "<> ALL(%s)" if found.upper().startswith("NOT") else "= ANY(%s)"
        return found

    return TOKENS.sub(replace, sql)


def postgres_insert(sql: str) -> Insert | None:
    """None when each row needs a statement of its own."""
    match = _INSERT.match(postgres_text(sql))
    if match is None or "%s" not in match[3] or "%s" in match[4]:
        return None
    head, columns, row, tail = match.groups()
    parts = Insert(head.replace("%%", "%").encode(), row, tail.replace("%%", "%").encode(), ())
    if "DO UPDATE" not in " ".join(tail.upper().split()):
        return parts
    upsert = _UPSERT.match(tail)
    names = [name.strip() for name in columns.split(",")]
    values = [value.strip() for value in row[1:-1].split(",")]
    if upsert is None or len(names) != len(values):
        return None
    places = _places(values)
    keys = tuple(places.get(names.index(key.strip()), -1) if key.strip() in names else -1 for key in upsert[1].split(","))
    return None if -1 in keys else parts._replace(keys=keys)


def postgres_each(question: tuple[str, tuple[str, ...]]) -> str:
    """A statement and the types of its parameters → one that takes a list for each, and answers for each place in them, which it names first.

    The planner has no other way to it than place by place: so the answers keep their order.
    """
    sql, types = question
    numbers = count()
    body = TOKENS.sub(lambda match: f"p.c{next(numbers)}" if match[0] == "?" else match[0], sql)
    columns = [f"c{number}" for number in range(len(types))]
    lists = [f"?::{kind}[]" for kind in types]
    head = f"SELECT p.place, q.* FROM unnest({', '.join(lists)}) WITH ORDINALITY AS p({', '.join(columns)}, place), "  # noqa: S608 - no values
    return f"{head}LATERAL ({body}) AS q"


def _places(values: list[str]) -> dict[int, int]:
    """Column number to parameter number, of those columns that are a parameter alone."""
    places: dict[int, int] = {}
    parameter = 0
    for column, value in enumerate(values):
        if value == "%s":
            places[column] = parameter
        parameter += value.count("%s")
    return places


def postgres_schema(sql: str) -> str:
    """A migration: 64-bit integers, BYTEA, text compared byte by byte, no WITHOUT ROWID."""
    code = re.sub(r"--[^\n]*", "", sql)
    code = re.sub(r"\)\s*WITHOUT\s+ROWID", ")", code, flags=re.IGNORECASE)
    code = re.sub(r"\bINTEGER\b", "BIGINT", code)
    code = re.sub(r"\bBLOB\b", "BYTEA", code)
    return re.sub(r"\bTEXT\b", 'TEXT COLLATE "C"', code)


# PostgreSQL has no \0 in text. U+0001 becomes the first half of a pair: U+0001 "1" stands for itself, U+0001 "0" for \0.


def escape(text: str) -> str:
    return text.replace("\x01", "\x011").replace("\x00", "\x010")


def unescape(text: str) -> str:
    return text.replace("\x010", "\x00").replace("\x011", "\x01")


def adapt(values: Sequence[Any]) -> Sequence[Any]:
    """Parameters as psycopg2 takes them: bool as a number, text without NUL, lists as arrays. The same object when there is nothing to do."""
    for index, value in enumerate(values):
        kind = type(value)
        if kind is int or kind is bytes or value is None:
            continue
        if kind is bool or kind is tuple or kind is list or (isinstance(value, str) and ("\x00" in value or "\x01" in value)):
            return [*values[:index], *map(_adapt, values[index:])]
    return values


def _adapt(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, tuple | list):
        return [_adapt(item) for item in value]
    return value
