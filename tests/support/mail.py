"""A postman whose letters are read, and the settings of a server that sends them."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from config.outgoing import Mail
from config.secret import Secret
from homeserver.mail.letter import Letter, MailFailed

SETTINGS = Mail(host="mail.test", sender="Our chat <chat@test>", user="chat", password=Secret("secret"))
_LINK = re.compile(r"https?://\S+")


@dataclass
class Letters:
    """Takes every letter; fails when told so."""

    sent: list[Letter] = field(default_factory=list)
    broken: bool = False

    async def send(self, letter: Letter) -> None:
        if self.broken:
            raise MailFailed
        self.sent.append(letter)

    def last(self, to: str) -> Letter:
        letter = self.sent[-1]
        assert letter.to == to
        return letter


def link_of(letter: Letter) -> str:
    """The first link, as a path with its query."""
    found = _LINK.search(letter.text)
    assert found is not None
    parts = urlsplit(found[0])
    return f"{parts.path}?{parts.query}"


def code_of(letter: Letter) -> str:
    return parse_qs(urlsplit(link_of(letter)).query)["token"][0]
