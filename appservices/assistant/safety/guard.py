"""What a model wrote, before a room sees it: nothing that loads by itself, no link that was not in the material, no mention of everybody,
no hidden characters; its numbers become links to the messages they stand for."""

import re
from typing import Final

from appservices.assistant.matrix.contents import calling_nobody
from appservices.assistant.safety.framing import Material
from appservices.assistant.safety.links import permalink

REMOVED: Final = "[link removed]"
_HIDDEN: Final = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_IMAGE: Final = re.compile(r"!\[([^\]]{0,500})\](?:\([^)]{0,2000}\)?|\[[^\]]{0,500}\])?")
_NAMED: Final = re.compile(r"\[([^\]\n]{0,500})\]\(\s{0,9}<?([^)\s>]{0,2000})>?[^)]{0,2000}\)?")
_DEFINED: Final = re.compile(r"^[ \t]*\[[^\]]{1,500}\]:\s{0,9}\S.*$", re.MULTILINE)
_TAG: Final = re.compile(
    r"</?(?:a|audio|base|body|button|embed|form|html|iframe|img|input|link|meta|mx-reply|object|script|source|style|svg|video)\b[^<>]{0,500}>",
    re.IGNORECASE,
)
_ADDRESS: Final = re.compile(
    r"\b(?:[A-Za-z][A-Za-z0-9+.-]{1,15}:/{1,2}|(?:javascript|data|vbscript|matrix|mailto|xmpp|file|blob|tel|sms):)[^\s<>\"'`]*",
    re.IGNORECASE,
)
_BARE: Final = re.compile(r"(?<![\w@/.:#-])(?:[\w-]+\.)+[A-Za-z]{2,24}(?::\d+)?[/?][^\s<>\"'`]*")
_WWW: Final = re.compile(r"\bwww\.[^\s<>\"'`]+", re.IGNORECASE)
_REFERENCE: Final = re.compile(r"(?<![\w`])\[(\d{1,4}(?:\s*,\s*\d{1,4})*)\](?!\()")
_END: Final = ".,;:!?)*_"
_CODE: Final = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]+`)", re.DOTALL)


class Guard:
    def __init__(self, permalink_url: str, server: str) -> None:
        self._url = permalink_url
        self._server = server

    def clean(self, text: str, material: Material) -> str:
        text = _HIDDEN.sub("", text)
        pieces = _CODE.split(text)
        for index, piece in enumerate(pieces):
            pieces[index] = self._links(piece, material.urls) if index % 2 else self._prose(piece, material)
        return calling_nobody("".join(pieces)).strip()

    def _prose(self, text: str, material: Material) -> str:
        text = _DEFINED.sub("", _IMAGE.sub(lambda match: match[1], text)).replace("![", "[")
        text = _NAMED.sub(lambda match: f"{match[1]} {match[2]}" if match[2] in material.urls else match[1], text)
        text = self._links(_TAG.sub("", text), material.urls)
        return _REFERENCE.sub(lambda match: self._references(match, material), text)

    def _links(self, text: str, seen: set[str]) -> str:
        def judge(match: re.Match[str]) -> str:
            found = match[0]
            address = found.rstrip(_END)
            if address in seen:
                return found
            return REMOVED + found[len(address) :]

        kept: list[str] = []

        def keep(match: re.Match[str]) -> str:
            judged = judge(match)
            if judged.startswith(REMOVED):
                return judged
            kept.append(judged)
            return f"\x00{len(kept) - 1}\x00"

        text = _ADDRESS.sub(keep, text)
        text = _BARE.sub(REMOVED, _WWW.sub(REMOVED, text))
        return re.sub("\x00(\\d+)\x00", lambda match: kept[int(match[1])], text)

    def _references(self, match: re.Match[str], material: Material) -> str:
        links = []
        for number in re.findall(r"\d+", match[1]):
            if (line := material.number(int(number))) is not None:
                links.append(permalink(self._url, line.event.room, line.event.id, self._server))
        return f"({' '.join(links)})" if links else ""


def whole_words(text: str) -> str:
    """Of a text that still grows: up to the last space, so that nothing half-written is shown."""
    cut = max(text.rfind(" "), text.rfind("\n"))
    return text[:cut] if cut > 0 else ""
