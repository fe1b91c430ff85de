"""One SQL, two tongues: statements are constants of the program, so each is translated once and remembered."""

import re
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

REMEMBERED = 4000
_UNKNOWN = object()

# Strings are stepped over; `%` matters to psycopg2.
TOKENS = re.compile(r"'(?:[^']|'')*'|NOT\s+IN\s+\?\?|IN\s+\?\?|\?\?|\?|%|\b(?:GREATEST|LEAST)(?=\s*\()", re.IGNORECASE)


class Memory(Generic[K, V]):
    """A bounded dictionary of translations."""

    __slots__ = ("_known", "_translate")

    def __init__(self, translate: Callable[[K], V]) -> None:
        self._translate = translate
        self._known: dict[K, V | object] = {}

    def __call__(self, key: K) -> V:
        found = self._known.get(key, _UNKNOWN)
        if found is _UNKNOWN:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            found = self._known[key] = self._translate(key)
        return found  # type: ignore[return-value]  # the sentinel is gone by now
