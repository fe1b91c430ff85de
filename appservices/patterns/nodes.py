"""What an expression is made of."""

from typing import Final, NamedTuple

Range = tuple[int, int]  # of code points, both ends included

LAST: Final = 0x10FFFF


class Letter(NamedTuple):
    """One character of these ranges."""

    ranges: tuple[Range, ...]

    def accepts(self, code: int) -> bool:
        return any(low <= code <= high for low, high in self.ranges)


class Sequence(NamedTuple):
    """One after the other; of nothing: the empty text."""

    parts: tuple["Node", ...]


class Choice(NamedTuple):
    """Any one of them."""

    parts: tuple["Node", ...]


class Repeat(NamedTuple):
    """So many times; `most` None: without end."""

    part: "Node"
    least: int
    most: int | None


class Start:
    """Nothing stands before."""


class End:
    """Nothing stands behind."""


Node = Letter | Sequence | Choice | Repeat | Start | End


def inverted(ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    """All other characters."""
    found, low = [], 0
    for first, last in sorted(ranges):
        if first > low:
            found.append((low, first - 1))
        low = max(low, last + 1)
    return (*found, (low, LAST)) if low <= LAST else tuple(found)


def both_cases(ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    """With the small letters for the capitals of ASCII, and the other way about."""
    found = list(ranges)
    for first, last in ranges:
        for low, high, step in ((65, 90, 32), (97, 122, -32)):
            start, end = max(first, low), min(last, high)
            if start <= end:
                found.append((start + step, end + step))
    return tuple(found)
