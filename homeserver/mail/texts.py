"""What letters say. The texts lie in `templates/`: a subject and plain text in the .txt, the same for the eye in the .html.

Whatever is filled in is escaped: in HTML as text, in plain text by taking line breaks and control characters away. Only what was rendered here before
(`Html`) goes in as it is.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from homeserver.mail.letter import Letter

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
MAX_VALUE = 1000  # characters of one value


class Html(str):
    """HTML already, and no text to be escaped."""

    __slots__ = ()


class Plain(str):
    """Lines of plain text that were rendered here before."""

    __slots__ = ()


def one_line(value: Any) -> str:
    """Without what could break a line, a header or the direction of the text."""
    return " ".join(_UNPRINTABLE.sub(" ", str(value)).split())[:MAX_VALUE]


class Texts:
    """Read with the first letter."""

    def __init__(self, server_name: str) -> None:
        self._server_name = server_name

    def letter(self, name: str, to: str, *, unsubscribe: str | None = None, **values: Any) -> Letter:
        """The letter of that name; a text in it says $server for the name of this server, and $to for the address."""
        known = {"server": self._server_name, "to": to, **values}
        subject, _, text = self.plain(name, known).partition("\n")
        page = self.html("frame", {"title": subject, "body": self.html(name, known)})
        return Letter(to, one_line(subject), text.lstrip("\n"), page, unsubscribe)

    def plain(self, name: str, values: Mapping[str, Any]) -> Plain:
        filled = {
            key: value if isinstance(value, Plain) else one_line(value) for key, value in values.items() if not isinstance(value, Html)
        }
        return Plain(self._templates[name + ".txt"].substitute(filled))

    def html(self, name: str, values: Mapping[str, Any]) -> Html:
        filled = {
            key: value if isinstance(value, Html) else escape(one_line(value))
            for key, value in values.items()
            if not isinstance(value, Plain)
        }
        return Html(self._templates[name + ".html"].substitute(filled))

    @cached_property
    def _templates(self) -> dict[str, Template]:
        folder = Path(__file__).parent / "templates"
        return {entry.name: Template(entry.read_text("utf-8")) for entry in folder.iterdir()}
