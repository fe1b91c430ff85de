"""Sync tokens: where a client stands. They survive a restart of the server.

`s<position>_<boot>_<counter>`: the durable stream position, and the place in the sequence of what is never stored (`ephemeral.sequence`), which only
counts while the server of that boot runs. `_<position>` follows while the device lacks messages from before the position.
For paging a position alone says all: the rest may be left out.
"""

from typing import NamedTuple

from homeserver.errors import InvalidParam

MAX_TOKEN_LENGTH = 100
_MAX_DIGITS = 18


class SyncToken(NamedTuple):
    position: int
    boot: str = ""
    counter: int = 0
    to_device: int | None = None  # up to where the device has its messages, where that is not the position itself

    def __str__(self) -> str:
        text = f"s{self.position}_{self.boot}_{self.counter}"
        return text if self.to_device is None else f"{text}_{self.to_device}"

    @classmethod
    def parse(cls, text: str) -> "SyncToken":
        """Raises InvalidParam for what this server never gave out."""
        parts = text[1:].split("_") if text[:1] == "s" and text.isascii() and len(text) <= MAX_TOKEN_LENGTH else []
        if len(parts) not in (1, 3, 4) or not all(_is_number(part) for part in (parts[0], *parts[2:])):
            raise InvalidParam("This is no token of this server")
        if len(parts) == 1:
            return cls(int(parts[0]))
        return cls(int(parts[0]), parts[1], int(parts[2]), int(parts[3]) if len(parts) == 4 else None)


def _is_number(text: str) -> bool:
    return text.isdigit() and len(text) <= _MAX_DIGITS
