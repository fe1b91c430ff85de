"""Dates and times as people write them, in UTC."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_FULL: Final = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{1,2}):(\d{2}))?")
_TIME: Final = re.compile(r"\b(\d{1,2}):(\d{2})\b")
_IN: Final = re.compile(r"\bin (\d{1,4}) ?(minute|min|hour|day|week)s?\b", re.IGNORECASE)
_WORD: Final = re.compile(r"\b(today|tomorrow|" + "|".join(_DAYS) + r")\b", re.IGNORECASE)
_UNITS: Final = {"minute": 60, "min": 60, "hour": 3600, "day": 86_400, "week": 604_800}


def read_time(text: str, now_ms: int) -> int | None:
    """Milliseconds; a day without a time is its 9 o'clock."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    if (found := _IN.search(text)) is not None:
        return now_ms + int(found[1]) * _UNITS[found[2].lower()] * 1000
    if (found := _FULL.search(text)) is not None:
        hour, minute = int(found[4] or 9), int(found[5] or 0)
        try:
            return _ms(datetime(int(found[1]), int(found[2]), int(found[3]), hour, minute, tzinfo=UTC))
        except ValueError:
            return None
    if (found := _WORD.search(text)) is None:
        return None
    word, clock = found[1].lower(), _TIME.search(text)
    if word in _DAYS:
        day = now + timedelta(days=(_DAYS.index(word) - now.weekday() - 1) % 7 + 1)
    else:
        day = now + timedelta(days=1 if word == "tomorrow" else 0)
    try:
        return _ms(day.replace(hour=int(clock[1]) if clock else 9, minute=int(clock[2]) if clock else 0, second=0, microsecond=0))
    except ValueError:
        return None


def without_time(text: str) -> str:
    for pattern in (_IN, _FULL, _WORD, _TIME):
        text = pattern.sub("", text)
    return " ".join(text.split())


def show_time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%a %Y-%m-%d %H:%M UTC")


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
