"""A large answer is parsed event by event, so that a room of ten thousand members stops nobody meanwhile.

An element of a list ends at the first brace where what was read so far is a whole JSON value: no JSON object begins with another. A list that has
what is no object, or elements without end, is no list of events; one whose element is no JSON of ours (a key twice) has None there.
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
MOST_TRIES: Final = 500  # braces at which an element may end
MOST_ELEMENT_BYTES: Final = 1_000_000
MOST_REST_BYTES: Final = 1_000_000  # all that is not in these lists
_LIST = re.compile(rb'"(auth_chain|events|pdus|state)"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*(?=\{)')
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


async def parse_slowly(body: bytes, clock: Clock) -> dict[str, Any]:
    """As `parse_object`, with pauses."""
    if len(body) <= LARGE:
        return parse_object(body)
    rest, last = b"", 0
    lists: dict[str, list[Any]] = {}
    found = _LIST.search(body)
    while found is not None:
        before = rest + body[last : found.start()]
        if len(before) > MOST_REST_BYTES:
            raise BadAnswer("The answer of the other server is too large")
        if _is_whole(before + b'"":0}'):  # else it is within something
            elements, last = await _elements(body, found.end(), clock)
            lists[found[1].decode()] = elements
            rest = before + found[0] + b"]"
        found = _LIST.search(body, max(last, found.end()))
    rest += body[last:]
    if lists and len(rest) > MOST_REST_BYTES:
        raise BadAnswer("The answer of the other server is too large")
    return {**parse_object(rest), **lists}


async def _elements(body: bytes, start: int, clock: Clock) -> tuple[list[Any], int]:
    """The objects of a list, and where it ends."""
    elements: list[Any] = []
    while True:
        element, end = _element(body, start)
        elements.append(element)
        if body[end - 1] == ord("]"):
            return elements, end
        start = end
        if len(elements) % AT_ONCE == 0:
            await clock.sleep(0)


def _element(body: bytes, start: int) -> tuple[Any, int]:
    """An object, and where the next begins; or the end of the list, after its bracket."""
    for tries, end in enumerate(_END.finditer(body, start, start + MOST_ELEMENT_BYTES)):
        if tries == MOST_TRIES:
            break
        text = body[start : end.start() + 1]
        try:
            return canonical_json.parse(text, max_nesting=MAX_FEDERATION_JSON_NESTING, exact_integers=True), end.end()
        except InvalidJson as error:
            if not str(error).startswith("not JSON"):
                return None, end.end()
    raise BadAnswer("The answer of the other server is no JSON")


def _is_whole(text: bytes) -> bool:
    try:
        canonical_json.parse(text, max_nesting=MAX_FEDERATION_JSON_NESTING)
    except InvalidJson as error:
        return not str(error).startswith("not JSON")
    return True
