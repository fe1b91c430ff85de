"""A large answer is parsed in pieces, so that a room of ten thousand members stops nobody meanwhile, and what is wrong with one event is said of it alone.

An element of a list ends at the first brace where what was read so far is a whole JSON value: no JSON object begins with another. So many elements are
parsed together as long as they make up a list, as they nearly always do, and one by one where not. A list that has what is no object, or elements
without end, is no list of events; one whose element is no JSON of ours (a key twice) has None there. Whoever makes that search long, or many things of
few bytes, is not listened to.
"""

import re
from typing import Any, Final

from federation.errors import BadAnswer
from homeserver.clock import Clock
from homeserver.protocol import canonical_json
from homeserver.protocol.errors import InvalidJson
from homeserver.protocol.limits import MAX_FEDERATION_JSON_NESTING

LARGE: Final = 200_000  # bytes; less is parsed at once
AT_ONCE: Final = 100  # elements parsed before others have their turn
BYTES_AT_ONCE: Final = 500_000
MOST_TOGETHER: Final = 64_000  # bytes of elements that are parsed together
LEAST_TOGETHER: Final = 2_000
MOST_ELEMENTS: Final = 400_000
MOST_TRIES: Final = 500  # braces at which an element may end
MOST_ELEMENT_BYTES: Final = 1_000_000
MOST_REST_BYTES: Final = 1_000_000  # all that is not in these lists
MOST_NAMES_BYTES: Final = 32 * 2**20  # all, where there are no such lists: the names of events
READ_AGAIN: Final = 8  # times that all of it may be read to find where elements end
MOST_CONTAINERS: Final = 3_500_000  # objects and lists: more than the events and EDUs of a transaction can have
BYTES_EACH: Final = 20  # beyond
_LIST = re.compile(rb'"(auth_chain|edus|events|pdus|state)"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*(?=\{)')
_END = re.compile(rb"\}[ \t\r\n]*(?:,[ \t\r\n]*(?=\{)|\])")


def parse_object(body: bytes) -> dict[str, Any]:
    """Raises BadAnswer."""
    try:
        value = canonical_json.parse(body, max_nesting=MAX_FEDERATION_JSON_NESTING, exact_integers=True)
    except InvalidJson as error:
        raise BadAnswer("The answer of the other server is no JSON") from error
    if type(value) is not dict:
        raise BadAnswer("The answer of the other server is no JSON object")
    return value


async def parse_slowly(body: bytes, clock: Clock, most: int = MOST_ELEMENTS) -> dict[str, Any]:
    """As `parse_object`, with pauses; `most`: elements of one list."""
    if len(body) <= LARGE:
        return parse_object(body)
    rest, last = b"", 0
    lists: dict[str, list[Any]] = {}
    reading = _Reading(body, clock, most)
    found = _LIST.search(body)
    while found is not None:
        before = rest + body[last : found.start()]
        if len(before) > MOST_REST_BYTES:
            raise BadAnswer("The answer of the other server is too large")
        if _is_whole(before + b'"":0}'):  # else it is within something
            elements, last = await reading.elements(found.end())
            lists[found[1].decode()] = elements
            rest = before + found[0] + b"]"
        found = _LIST.search(body, max(last, found.end()))
    rest += body[last:]
    if len(rest) > (MOST_REST_BYTES if lists else MOST_NAMES_BYTES):
        raise BadAnswer("The answer of the other server is too large")
    return {**parse_object(rest), **lists}


class _Reading:
    """One body. `since`: what was read since others had their turn."""

    def __init__(self, body: bytes, clock: Clock, most: int) -> None:
        self._body = body
        self._clock = clock
        self._most = most
        self._since = 0
        self._together = MOST_TOGETHER
        self._bytes_left = READ_AGAIN * len(body) + MOST_ELEMENT_BYTES
        self._containers_left = MOST_CONTAINERS + len(body) // BYTES_EACH

    async def elements(self, start: int) -> tuple[list[Any], int]:
        """The objects of a list, and where it ends."""
        elements: list[Any] = []
        paused = 0
        while len(elements) < self._most:
            some, end = self._some(start)
            elements += some
            if self._body[end - 1] == ord("]"):
                return elements, end
            start = end
            if len(elements) - paused >= AT_ONCE or self._since > BYTES_AT_ONCE:
                paused, self._since = len(elements), 0
                await self._clock.sleep(0)
        raise BadAnswer("The answer of the other server is too large")

    def _some(self, start: int) -> tuple[list[Any], int]:
        """Objects, and where the next begins; or the end of the list, after its bracket. What went well is tried with more the next time."""
        while self._together >= LEAST_TOGETHER:
            end = self._body.rfind(b"},{", start, start + self._together) + 1
            some = self._parsed_together(start, end) if end else None
            if some is not None:
                self._together = min(2 * self._together, MOST_TOGETHER)
                return some, end + 1
            self._together //= 2
        self._together = LEAST_TOGETHER
        element, end = self._element(start)
        return [element], end

    def _parsed_together(self, start: int, end: int) -> list[Any] | None:
        """The objects between; None: some is none, or it does not end there."""
        text = b"[%b]" % self._body[start:end]
        self._read(text)
        try:
            some = canonical_json.parse(text, max_nesting=MAX_FEDERATION_JSON_NESTING + 1, exact_integers=True)
        except InvalidJson:
            return None
        if not all(type(one) is dict for one in some):
            return None
        self._hold(text)
        return some  # type: ignore[no-any-return]

    def _element(self, start: int) -> tuple[Any, int]:
        """As `_some`, but for one of them; None for one that is no JSON of ours."""
        for tries, end in enumerate(_END.finditer(self._body, start, start + MOST_ELEMENT_BYTES)):
            text = self._body[start : end.start() + 1]
            if tries == MOST_TRIES:
                break
            self._read(text)
            try:
                element = canonical_json.parse(text, max_nesting=MAX_FEDERATION_JSON_NESTING, exact_integers=True)
            except InvalidJson as error:
                if str(error).startswith("not JSON"):
                    continue
                element = None
            self._hold(text)
            return element, end.end()
        raise BadAnswer("The answer of the other server is no JSON, or more than it may be")

    def _read(self, text: bytes) -> None:
        self._since += len(text)
        self._bytes_left -= len(text)
        if self._bytes_left < 0:
            raise BadAnswer("The answer of the other server takes too long to read")

    def _hold(self, text: bytes) -> None:
        self._containers_left -= text.count(b"[") + text.count(b"{")
        if self._containers_left < 0:
            raise BadAnswer("The answer of the other server has more in it than it may")


def _is_whole(text: bytes) -> bool:
    try:
        canonical_json.parse(text, max_nesting=MAX_FEDERATION_JSON_NESTING)
    except InvalidJson as error:
        return not str(error).startswith("not JSON")
    return True
