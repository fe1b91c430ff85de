"""What an event says, read with care: anybody may have written anything."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_LATEST_MS: Final = 32_503_680_000_000  # the year 3000: calendars know it, and what is a while after it
_TAG: Final = re.compile(r"<[^<>]{0,2000}>")
_QUOTE: Final = re.compile(r"\A(?:> [^\n]*\n)+\n?")
_PILL: Final = re.compile(r'<a href="https://matrix\.to/#/(@[^"/?]+)"', re.IGNORECASE)


@dataclass(frozen=True)
class Event:
    id: str
    room: str
    sender: str
    type: str
    content: Mapping[str, Any]
    at: int  # origin_server_ts
    state_key: str | None = None
    unsigned: Mapping[str, Any] | None = None
    redacts: str | None = None

    @property
    def body(self) -> str:
        """Without the quotation of what it replies to."""
        text = as_text(self.content.get("body"))
        return _QUOTE.sub("", text) if self.replies_to else text

    @property
    def msgtype(self) -> str:
        return as_text(self.content.get("msgtype"))

    @property
    def relation(self) -> Mapping[str, Any]:
        return as_object(self.content.get("m.relates_to"))

    @property
    def replies_to(self) -> str | None:
        """What a person replied to, not what a client names for others that know no threads."""
        relation = self.relation
        if relation.get("is_falling_back") is True:
            return None
        return as_text(as_object(relation.get("m.in_reply_to")).get("event_id")) or None

    @property
    def thread(self) -> str | None:
        return self.target if self.relation.get("rel_type") == "m.thread" else None

    @property
    def replaces(self) -> str | None:
        return self.target if self.relation.get("rel_type") == "m.replace" else None

    @property
    def target(self) -> str | None:
        return as_text(self.relation.get("event_id")) or None

    @property
    def is_redacted(self) -> bool:
        return "redacted_because" in (self.unsigned or {}) or (self.type == "m.room.message" and not self.content)

    def mentions(self, user: str) -> bool:
        mentions = self.content.get("m.mentions")
        if isinstance(mentions, Mapping):
            named = mentions.get("user_ids")
            return isinstance(named, list) and user in named
        formatted = html.unescape(as_text(self.content.get("formatted_body")))
        return user in _PILL.findall(formatted) or re.search(re.escape(user) + r"(?![\w.-])", self.body) is not None


def read_event(found: Any) -> Event | None:
    """None for what is not one."""
    if not isinstance(found, Mapping) or not isinstance(found.get("content"), Mapping):
        return None
    at, key = found.get("origin_server_ts"), found.get("state_key")
    event_id, room, sender, kind = (as_text(found.get(name)) for name in ("event_id", "room_id", "sender", "type"))
    if not (event_id and sender and kind):
        return None
    return Event(
        event_id,
        room,
        sender,
        kind,
        found["content"],
        min(max(at, 0), _LATEST_MS) if isinstance(at, int) else 0,
        key if isinstance(key, str) else None,
        as_object(found.get("unsigned")),
        as_text(found.get("redacts")) or as_text(found["content"].get("redacts")) or None,
    )


def as_text(found: Any) -> str:
    return found if isinstance(found, str) else ""


def as_object(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


def plain(text: str) -> str:
    """HTML as text."""
    return html.unescape(_TAG.sub("", text))
