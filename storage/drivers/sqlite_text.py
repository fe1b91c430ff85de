"""The stores' SQL as SQLite takes it, with lists bound."""

import re
from array import array
from collections.abc import Sequence
from typing import Any

import apsw

from storage.drivers.translate import REMEMBERED, TOKENS, Memory

LITERAL_LIST = 64  # lists up to this length become `?, ?, …`, padded to a power of two so that few texts arise; longer ones become an array


class SqliteStatements:
    """`bind` gives what apsw executes."""

    def __init__(self) -> None:
        self._plain: dict[str, str] = {}
        self._shaped: Memory[tuple[str, tuple[int, ...]], str] = Memory(lambda key: _sqlite_text(*key))

    def bind(self, sql: str, parameters: Sequence[Any]) -> tuple[str, Sequence[Any]]:
        text = self._plain.get(sql)
        if text is not None:
            return text, parameters
        if any(type(value) is list or type(value) is tuple for value in parameters):
            return self._bind_lists(sql, parameters)
        if "??" in sql:
            raise ValueError("a statement with ?? needs a list")
        if len(self._plain) >= REMEMBERED:
            self._plain.clear()
        text = self._plain[sql] = _sqlite_text(sql, ())
        return text, parameters

    def _bind_lists(self, sql: str, parameters: Sequence[Any]) -> tuple[str, Sequence[Any]]:
        flat: list[Any] = []
        shape: list[int] = []
        for value in parameters:
            if type(value) is not list and type(value) is not tuple:
                flat.append(value)
            elif len(value) <= LITERAL_LIST:
                size = 1 << (len(value) - 1).bit_length() if value else 0
                shape.append(size)
                flat.extend(value)
                flat.extend(value[-1:] * (size - len(value)))
            else:
                shape.append(-1)
                flat.append(apsw.carray(_carried(value)))
        return self._shaped((sql, tuple(shape))), flat


def _carried(values: Sequence[Any]) -> Any:
    """Numbers as one array; texts as they are, but plain: what is bound in a row takes no subclass of str."""
    first = values[0]
    if isinstance(first, int):
        return array("q", values)
    return tuple(map(str, values)) if isinstance(first, str) else tuple(values)


def _sqlite_text(sql: str, shape: tuple[int, ...]) -> str:
    sizes = iter(shape)

    def replace(match: re.Match[str]) -> str:
        token = match[0]
        if token.endswith("??"):
            size = next(sizes)
            places = "carray(?)" if size < 0 else "(" + ", ".join("?" * size) + ")"
            return token[:-2] + places
        return {"GREATEST": "max", "LEAST": "min"}.get(token.upper(), token)

    text = TOKENS.sub(replace, sql)
    if next(sizes, None) is not None:
        raise ValueError("a list belongs to ??")
    return text
