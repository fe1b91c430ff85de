"""A block of the index: which of up to 256 messages may contain a word.

For each of SLOTS places a block says which messages have a character, or a pair of neighbouring characters, that falls there. A word can only be in a
message that has all its pairs. So nothing is missed, whatever the language and however short the word, and what is named wrongly is sorted out by
looking at the message itself. About fifty bytes for a message.
"""

import struct
from collections.abc import Iterable, Sequence
from itertools import pairwise

from homeserver.search.store import Row
from homeserver.search.text import document, fold

SIZE = 256
SLOTS = 1024
_MASK_BYTES = SIZE // 8  # a place with so many messages is written as a mask, one with fewer as their numbers


def slots(word: str) -> set[int]:
    """The places of a word."""
    codes = word.encode() if word.isascii() else list(map(ord, word))
    found = {(first * 31 + second) % SLOTS for first, second in pairwise(codes)}
    found.update([code * 7 % SLOTS for code in codes])
    return found


def write(rows: Sequence[Row]) -> bytes:
    """Of at most SIZE events, in order of their positions."""
    messages = [(row.position, said.text) for row in rows if (said := document(row.type, row.body)) is not None]
    if not messages:
        return b""
    places: list[bytearray] = [bytearray() for _ in range(SLOTS)]
    known: dict[str, set[int]] = {}  # most words come again
    for number, (_, text) in enumerate(messages):
        found: set[int] = set()
        for word in fold(text).split():
            if word not in known:
                known[word] = slots(word)
            found |= known[word]
        for slot in found:
            places[slot].append(number)
    written = [_mask(place) if len(place) >= _MASK_BYTES else bytes(place) for place in places]
    positions = struct.pack(f"<H{len(messages)}q", len(messages), *(position for position, _ in messages))
    return b"".join((positions, bytes(map(len, written)), *written))


def candidates(block: bytes, wanted: Iterable[int]) -> list[int]:
    """The positions of the messages that have all these places, in order."""
    if not block:
        return []
    (count,) = struct.unpack_from("<H", block)
    positions: tuple[int, ...] = struct.unpack_from(f"<{count}q", block, 2)
    lengths = block[2 + 8 * count : 2 + 8 * count + SLOTS]
    begin = 2 + 8 * count + SLOTS
    left = (1 << count) - 1
    for slot in wanted:
        length = lengths[slot]
        start = begin + sum(lengths[:slot])
        place = block[start : start + length]
        left &= int.from_bytes(place, "little") if length == _MASK_BYTES else sum(1 << number for number in place)
        if not left:
            return []
    return [position for number, position in enumerate(positions) if left >> number & 1]


def _mask(numbers: Iterable[int]) -> bytes:
    return sum(1 << number for number in numbers).to_bytes(_MASK_BYTES, "little")
