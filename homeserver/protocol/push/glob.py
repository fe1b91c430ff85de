"""Globs over texts that strangers wrote (appendices, "Glob-style matching"; client-server API, `event_match`).

No regular expression and no backtracking. Where a text holds every literal piece of a glob, its places are found for all positions at once, as bits of
one large integer: the cost grows with the length of the text times the number of the glob's characters, in machine words.
"""

from functools import reduce

MAX_PATTERN = 255  # characters

Segment = list[str | None]  # what stands between two `*`; None: any character

_WORD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
_OUTSIDE_WORDS = bytes(ord("0") if byte in _WORD else ord("1") for byte in range(256))


class Text:
    """A text to match against, without regard to case. It remembers where its characters stand, for the next glob."""

    __slots__ = ("_masks", "_outside", "_planes", "length", "lower")

    def __init__(self, text: str) -> None:
        self.lower = text.lower()
        self.length = len(self.lower)
        self._planes: tuple[bytes, ...] | None = None
        self._masks: dict[str, int] = {}
        self._outside: int | None = None

    def places(self, character: str) -> int:
        """The positions of the character, as bits."""
        mask = self._masks.get(character)
        if mask is None:
            code = character.encode("utf-32-le", "surrogatepass")
            planes = self._by_byte()
            if len(planes) == 1 and not character.isascii():
                mask = 0
            else:
                mask = reduce(int.__and__, (_bits(plane.translate(_only(byte))) for plane, byte in zip(planes, code, strict=False)))
            self._masks[character] = mask
        return mask

    def outside_words(self) -> int:
        """The positions of characters that are no part of a word, and the end."""
        if self._outside is None:
            planes = self._by_byte()
            mask = _bits(planes[0].translate(_OUTSIDE_WORDS))
            for plane in planes[1:]:
                mask |= ~_bits(plane.translate(_only(0))) & ((1 << self.length) - 1)
            self._outside = mask | 1 << self.length
        return self._outside

    def _by_byte(self) -> tuple[bytes, ...]:
        """The first, second and third byte of each character, last character first: so that bit 0 is position 0."""
        if self._planes is None:
            if self.lower.isascii():
                self._planes = (self.lower.encode()[::-1],)
            else:
                wide = self.lower.encode("utf-32-le", "surrogatepass")
                self._planes = tuple(wide[byte::4][::-1] for byte in range(3))
        return self._planes


class Glob:
    """`*` stands for any characters, `?` for one."""

    __slots__ = ("_pieces", "_segments", "is_literal", "pattern")

    def __init__(self, pattern: str, *, literal: bool = False) -> None:
        """`literal`: nothing in the pattern stands for anything else."""
        self.pattern = pattern.lower()
        self.is_literal = literal or ("*" not in pattern and "?" not in pattern)
        if self.is_literal:
            self._segments: list[Segment] = [list(self.pattern)]
            self._pieces = [self.pattern]
        else:
            texts = self.pattern.split("*")
            self._segments = [[None if character == "?" else character for character in text] for text in texts]
            self._pieces = sorted({piece for text in texts for piece in text.split("?") if piece}, key=len, reverse=True)

    def matches(self, text: Text) -> bool:
        """Whether it matches the whole text."""
        if self.is_literal:
            return self.pattern == text.lower
        if not self._holds_pieces(text):
            return False
        return self._run(text, starts=1, ends=1 << text.length)

    def matches_words(self, text: Text) -> bool:
        """Whether it matches some part of the text that begins and ends at word boundaries."""
        if not self._holds_pieces(text):
            return False
        outside = text.outside_words()
        return self._run(text, starts=(outside << 1 | 1) & ((1 << text.length + 1) - 1), ends=outside)

    def _holds_pieces(self, text: Text) -> bool:
        return all(piece in text.lower for piece in self._pieces)

    def _run(self, text: Text, starts: int, ends: int) -> bool:
        """From one of the positions `starts` to one of `ends`; every segment but the last at its first place that serves."""
        first, *others = self._segments
        if not others:
            return bool(_found(first, text) & starts & ends >> len(first))
        found = _found(first, text) & starts
        if not found:
            return False
        position = _lowest(found) + len(first)
        for segment in others[:-1]:
            found = _found(segment, text) >> position
            if not found:
                return False
            position += _lowest(found) + len(segment)
        last = others[-1]
        return bool((_found(last, text) & ends >> len(last)) >> position)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Glob) and other.pattern == self.pattern and other.is_literal == self.is_literal

    def __hash__(self) -> int:
        return hash(self.pattern)

    def __repr__(self) -> str:
        return f"<Glob {self.pattern}>"


def _found(segment: Segment, text: Text) -> int:
    """All positions at which a segment without `*` stands, as bits."""
    room = text.length - len(segment) + 1
    if room <= 0:
        return 0
    mask = (1 << room) - 1
    for offset, character in enumerate(segment):
        if character is not None:
            mask &= text.places(character) >> offset
            if not mask:
                break
    return mask


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def _bits(digits: bytes) -> int:
    return int(digits, 2) if digits else 0


def _only(byte: int) -> bytes:
    """A table that makes this byte a one, every other a zero."""
    return b"0" * byte + b"1" + b"0" * (255 - byte)
