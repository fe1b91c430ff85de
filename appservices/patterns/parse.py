"""From the text of an expression to its nodes: what POSIX, Perl and Python have in common, without look-around and references backwards.

A registration may say (application-service API, "Registration") that an expression is POSIX; those in use are written for Python or Go.
"""

from typing import Final

from appservices.patterns.errors import BadPattern
from appservices.patterns.nodes import LAST, Choice, End, Letter, Node, Range, Repeat, Sequence, Start, both_cases, inverted

MOST_CHARACTERS: Final = 1_000
MOST_REPEATS: Final = 1_000
MOST_DEPTH: Final = 50

_DIGIT: Final[tuple[Range, ...]] = ((48, 57),)
_WORD: Final[tuple[Range, ...]] = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACE: Final[tuple[Range, ...]] = ((9, 13), (32, 32))
_KINDS: Final[dict[str, tuple[Range, ...]]] = {
    "d": _DIGIT,
    "w": _WORD,
    "s": _SPACE,
    "D": inverted(_DIGIT),
    "W": inverted(_WORD),
    "S": inverted(_SPACE),
}
_NAMED: Final[dict[str, tuple[Range, ...]]] = {
    "alpha": ((65, 90), (97, 122)),
    "digit": _DIGIT,
    "alnum": ((48, 57), (65, 90), (97, 122)),
    "upper": ((65, 90),),
    "lower": ((97, 122),),
    "space": _SPACE,
    "word": _WORD,
    "xdigit": ((48, 57), (65, 70), (97, 102)),
    "punct": ((33, 47), (58, 64), (91, 96), (123, 126)),
}
_CONTROL: Final = {"n": 10, "t": 9, "r": 13, "f": 12, "v": 11}
_ANY: Final = Letter(inverted(((10, 10),)))


def parse(text: str) -> Node:
    """Raises BadPattern."""
    if len(text) > MOST_CHARACTERS:
        raise BadPattern(f"it is longer than {MOST_CHARACTERS} characters")
    ignores_case = text.startswith("(?i)")
    parser = _Parser(text, 4 if ignores_case else 0, ignores_case)
    node = parser.choice(0)
    if parser.rest:
        raise BadPattern("there is a ) too many")
    return node


class _Parser:
    def __init__(self, text: str, at: int, ignores_case: bool) -> None:
        self._text = text
        self._at = at
        self._ignores_case = ignores_case

    @property
    def rest(self) -> bool:
        return self._at < len(self._text)

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self, wanted: str) -> bool:
        if self._text.startswith(wanted, self._at):
            self._at += len(wanted)
            return True
        return False

    def _one(self) -> str:
        if not self.rest:
            raise BadPattern("it ends too early")
        self._at += 1
        return self._text[self._at - 1]

    def choice(self, depth: int) -> Node:
        if depth > MOST_DEPTH:
            raise BadPattern("its brackets are nested too deep")
        parts = [self._sequence(depth)]
        while self._take("|"):
            parts.append(self._sequence(depth))
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def _sequence(self, depth: int) -> Node:
        parts: list[Node] = []
        while self.rest and self._next() not in "|)":
            parts.append(self._repeated(self._atom(depth)))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _repeated(self, part: Node) -> Node:
        while True:
            start = self._at
            bounds = self._bounds()
            if bounds is None:
                return part
            if isinstance(part, Start | End):
                raise BadPattern("^ and $ cannot be repeated")
            if self._at > start and not self._take("?") and self._take("+"):  # *? finds the same names as *
                raise BadPattern("it repeats without looking back (*+), which is not supported")
            part = Repeat(part, *bounds)

    def _bounds(self) -> tuple[int, int | None] | None:
        if self._take("*"):
            return 0, None
        if self._take("+"):
            return 1, None
        if self._take("?"):
            return 0, 1
        end = self._text.find("}", self._at)
        least, comma, most = self._text[self._at + 1 : end].partition(",")
        is_count = self._next() == "{" and end > 0 and (least + most).isdecimal() and (least.isdecimal() or bool(comma))
        if not is_count:
            return None
        self._at = end + 1
        low = int(least or 0)
        high = low if not comma else int(most) if most else None
        if max(low, high or 0) > MOST_REPEATS or (high is not None and high < low):
            raise BadPattern("it repeats something more often than is allowed")
        return low, high

    def _atom(self, depth: int) -> Node:
        character = self._one()
        if character == "(":
            return self._group(depth)
        if character == "[":
            return self._set()
        if character == ".":
            return _ANY
        if character == "^":
            return Start()
        if character == "$":
            return End()
        if character in "*+?":
            raise BadPattern(f"{character} has nothing to repeat")
        if character == "\\":
            return self._escaped()
        return self._letter(((ord(character), ord(character)),))

    def _letter(self, ranges: tuple[Range, ...]) -> Letter:
        return Letter(both_cases(ranges) if self._ignores_case else ranges)

    def _group(self, depth: int) -> Node:
        if self._take("?"):
            if self._take("P<"):
                self._at = self._text.find(">", self._at) + 1 or len(self._text)
            elif not self._take(":"):
                raise BadPattern("it looks ahead or behind or changes its flags ((?…), which is not supported")
        node = self.choice(depth + 1)
        if not self._take(")"):
            raise BadPattern("a ) is missing")
        return node

    def _escaped(self) -> Node:
        character = self._one()
        if character == "A":
            return Start()
        if character in "zZ":
            return End()
        return self._letter(self._escape(character))

    def _escape(self, character: str) -> tuple[Range, ...]:
        if character in _KINDS:
            return _KINDS[character]
        if character in ("x", "u"):
            digits = self._text[self._at : self._at + (2 if character == "x" else 4)]
            self._at += len(digits)
            try:
                code = int(digits, 16)
            except ValueError:
                raise BadPattern(f"\\{character} needs hexadecimal digits") from None
            return ((code, code),)
        code = _CONTROL.get(character, ord(character))
        if code == ord(character) and character.isalnum() and character.isascii():
            raise BadPattern(f"\\{character} is not supported")
        return ((code, code),)

    def _set(self) -> Node:
        is_inverted = self._take("^")
        ranges: list[Range] = []
        first = True
        while first or self._next() != "]":
            first = False
            self._add_member(ranges)
        self._at += 1
        found = tuple(ranges)
        if self._ignores_case:
            found = both_cases(found)
        return Letter(inverted(found) if is_inverted else found)

    def _add_member(self, ranges: list[Range]) -> None:
        if self._take("[:"):
            end = self._text.find(":]", self._at)
            name = self._text[self._at : end]
            if end < 0 or name not in _NAMED:
                raise BadPattern("[: :] names an unknown class of characters")
            self._at = end + 2
            ranges.extend(_NAMED[name])
            return
        low = self._member()
        if self._next() != "-" or self._text[self._at + 1 : self._at + 2] in ("]", ""):
            ranges.extend(low)
            return
        self._at += 1
        high = self._member()
        if len(low) != 1 or len(high) != 1 or low[0][0] != low[0][1] or high[0][0] != high[0][1] or low[0][0] > high[0][0]:
            raise BadPattern("a range in [ ] has no order")
        ranges.append((low[0][0], min(high[0][0], LAST)))

    def _member(self) -> tuple[Range, ...]:
        character = self._one()
        if character == "\\":
            return self._escape(self._one())
        return ((ord(character), ord(character)),)
