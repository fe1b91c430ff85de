"""The tokens of sliding sync: `s<position>_<boot>_<counter>_<number>`, as those of /sync and as good for paging.

`number` is that of the connection's state which the client has once it has the answer.
"""

from typing import NamedTuple

from homeserver.errors import UnknownPos

_MAX_DIGITS = 18
_MAX_LENGTH = 100


class Pos(NamedTuple):
    position: int
    boot: str
    counter: int
    number: int

    def __str__(self) -> str:
        return f"s{self.position}_{self.boot}_{self.counter}_{self.number}"

    @classmethod
    def parse(cls, text: str) -> "Pos":
        """Raises UnknownPos for what this server never gave out."""
        parts = text[1:].split("_") if text[:1] == "s" and text.isascii() and len(text) <= _MAX_LENGTH else []
        if len(parts) != 4 or not all(part.isdigit() and len(part) <= _MAX_DIGITS for part in (parts[0], *parts[2:])):
            raise UnknownPos
        return cls(int(parts[0]), parts[1], int(parts[2]), int(parts[3]))
