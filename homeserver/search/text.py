"""What is searched in an event, and how texts are compared: in every language, without a dictionary and without a pattern language.

A word of the search term is found wherever it stands in the text, also within another word, for many languages put no spaces between words. Letter
case, diacritics, widths and invisible characters make no difference.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from homeserver.search.store import MESSAGE, NAME, TOPIC

# Marks that are often left out in writing, and characters that nobody sees. Marks that make another letter (in Indic and Thai scripts, in kana) stay.
_UNWRITTEN = (
    (0x0300, 0x036F), (0x0483, 0x0487), (0x0591, 0x05C7), (0x0610, 0x061A), (0x064B, 0x065F), (0x0670, 0x0670), (0x06D6, 0x06DC),
    (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0x00AD, 0x00AD), (0x0640, 0x0640), (0x200B, 0x200F), (0x202A, 0x202E),
    (0x2060, 0x2064), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xE0100, 0xE01EF),
)  # fmt: skip
_DROP = {code: None for first, last in _UNWRITTEN for code in range(first, last + 1)}


def fold(text: str) -> str:
    """Texts that should be found by each other become equal; their spaces stay apart from everything else."""
    if text.isascii():
        return text.lower()
    parted = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFC", parted.translate(_DROP))


class Document(NamedTuple):
    """What an event says. `replaces`: the event whose text this is now meant to be, where it is an edit."""

    text: str
    replaces: str | None = None


def document(type: str, body: bytes) -> Document | None:
    """Of an event's stored bytes; None where there is nothing to be found."""
    content = orjson.loads(b"{%b}" % body).get("content")
    if not isinstance(content, dict):
        return None
    if type == MESSAGE:
        return _message(content)
    texts = [text for text in _texts(type, content) if isinstance(text, str)]
    return Document("\n".join(texts)) if texts else None


def _message(content: Mapping[str, Any]) -> Document | None:
    relates_to, replaces = content.get("m.relates_to"), None
    if isinstance(relates_to, dict) and relates_to.get("rel_type") == "m.replace":
        content, replaces = content.get("m.new_content") or {}, relates_to.get("event_id")
        if not isinstance(replaces, str) or not isinstance(content, dict):
            return None
    text = content.get("body")
    return Document(text, replaces) if isinstance(text, str) else None


def _texts(type: str, content: Mapping[str, Any]) -> Iterator[Any]:
    if type == NAME:
        yield content.get("name")
    elif type == TOPIC:
        yield content.get("topic")
        rich = content.get("m.topic")
        forms = rich.get("m.text") if isinstance(rich, dict) else None
        for form in forms if isinstance(forms, list) else ():
            if isinstance(form, dict) and form.get("mimetype", "text/plain") == "text/plain":
                yield form.get("body")
