"""How long an answer may be kept, by its headers (RFC 9111, 4.2), within what the specification recommends of .well-known files.

Server-server API, "Resolving server names", step 3.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

HOUR_S: Final = 3_600
USUAL_S: Final = 24 * HOUR_S
SHORTEST_S: Final = 300
LONGEST_S: Final = 48 * HOUR_S


def lifetime(headers: Mapping[str, str], now_ms: int) -> float:
    """Seconds: what Cache-Control or else Expires says, less the time that the answer has spent in caches; a day where they say nothing."""
    fresh_s = _by_cache_control(headers.get("cache-control", ""))
    if fresh_s is None:
        fresh_s = _by_expires(headers, now_ms)
    if fresh_s is None:
        return USUAL_S
    return min(max(fresh_s - (_seconds(headers.get("age", "")) or 0), SHORTEST_S), LONGEST_S)


def _by_cache_control(text: str) -> float | None:
    found = None
    for directive in text.lower().split(","):
        name, _, value = directive.strip().partition("=")
        if name in ("no-store", "no-cache"):
            return 0
        if name == "max-age" and found is None:
            found = _seconds(value.strip('" '))
    return found


def _by_expires(headers: Mapping[str, str], now_ms: int) -> float | None:
    """By the clock of the host that answered, where it says what time it is; a date that is none is past."""
    if "expires" not in headers:
        return None
    until, now_s = _timestamp(headers["expires"]), _timestamp(headers.get("date", ""))
    return 0 if until is None else until - (now_ms / 1000 if now_s is None else now_s)


def _seconds(text: str) -> int | None:
    text = text.strip()
    return int(text[:9]) if text.isascii() and text.isdigit() else None


def _timestamp(text: str) -> float | None:
    try:
        found: datetime = parsedate_to_datetime(text)
        return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
