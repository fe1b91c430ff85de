"""What a web page says of itself: OpenGraph, its title, its oEmbed address. One pass over the text, no tree, no recursion, every step bounded."""

import re
from html import unescape
from typing import NamedTuple

MOST_TAGS = 20_000
MOST_TAG = 8_192  # characters
MOST_TEXT = 1_000
_CHARSETS = frozenset(
    {
        "utf-8", "iso-8859-1", "iso-8859-2", "iso-8859-15", "windows-1250", "windows-1251", "windows-1252", "windows-1254", "koi8-r",
        "shift_jis", "euc-jp", "gbk", "gb18030", "big5", "euc-kr",
    }
)  # fmt: skip
_CHARSET = re.compile(rb"""charset\s{0,10}=\s{0,10}["']?([a-zA-Z0-9_-]{2,20})""", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([a-zA-Z:_-]{1,40})\s{0,20}=\s{0,20}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9]{0,20}")
_RAW = frozenset({"script", "style", "noscript", "template", "textarea", "svg"})
_SPACES = re.compile(r"\s+")
OEMBED = "application/json+oembed"


class Page(NamedTuple):
    meta: dict[str, str]  # property or name, lower case, to content: the first of each
    title: str
    oembed: str | None


def decode(body: bytes, content_type: str) -> str:
    """By the declared character set, if it is a usual one."""
    found = _CHARSET.search(content_type.encode("ascii", "replace")) or _CHARSET.search(body[:2048])
    name = found[1].decode("ascii").lower() if found else "utf-8"
    return body.decode(name if name in _CHARSETS else "utf-8", "replace")


def read_page(text: str) -> Page:
    meta: dict[str, str] = {}
    title, oembed = "", None
    lower = text.lower() if text.isascii() else text.translate(_ASCII_LOWER)
    at = 0
    for _ in range(MOST_TAGS):
        at = text.find("<", at)
        if at < 0:
            break
        if text.startswith("<!--", at):
            at = _after(text, "-->", at)
        else:
            name = _NAME.match(lower, at + 1)
            end = text.find(">", at, at + MOST_TAG)
            if name is None or end < 0:
                at += 1
                continue
            tag, inside, at = name[0], text[name.end() : end], end + 1
            if tag == "meta":
                _note(meta, attributes(inside))
            elif tag == "link":
                oembed = oembed or _oembed(attributes(inside))
            elif tag == "title" and not title:
                title = clean(text[at : _before(lower, "</title", at)])
            elif tag in _RAW:
                at = _after(lower, f"</{tag}", at)
        if at < 0:
            break
    return Page(meta, title, oembed)


_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}  # keeps every place where it is, unlike str.lower


def _after(text: str, mark: str, at: int) -> int:
    """Behind the mark, -1 when there is none."""
    found = text.find(mark, at)
    return found if found < 0 else found + len(mark)


def _before(text: str, mark: str, at: int) -> int:
    found = text.find(mark, at, at + 10 * MOST_TEXT)
    return at if found < 0 else found


def attributes(text: str) -> dict[str, str]:
    return {found[1].lower(): found[2] or found[3] or found[4] or "" for found in _ATTRIBUTE.finditer(text)}


def clean(text: str) -> str:
    """Entities resolved, spaces as one, cut to a sensible length."""
    plain = _SPACES.sub(" ", unescape(text[: 10 * MOST_TEXT])).strip()[:MOST_TEXT]
    return "".join(character for character in plain if not "\ud800" <= character <= "\udfff")


def _note(meta: dict[str, str], found: dict[str, str]) -> None:
    name = (found.get("property") or found.get("name") or "").lower()
    value = clean(found.get("content", ""))
    if name and value:
        meta.setdefault(name, value)


def _oembed(found: dict[str, str]) -> str | None:
    return unescape(found.get("href", "")) or None if found.get("type", "").lower() == OEMBED else None
