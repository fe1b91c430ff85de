"""From a letter to the bytes of a message (RFC 5322), with the line ends that Twisted wants.

The library refuses line breaks in headers, so nothing filled in can add one. Texts are in base64: no line of theirs begins with a dot, which ends a
message in SMTP.
"""

from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default
from email.utils import format_datetime, parseaddr

from homeserver.clock import Chance, Clock
from homeserver.mail.letter import Letter

_MARK_LENGTH = 24


class Composer:
    """`sender` is an address, or a name and <an address>."""

    def __init__(self, sender: str, clock: Clock, chance: Chance) -> None:
        name, self.address = parseaddr(sender)
        self._sender = Address(name, addr_spec=self.address)
        self._clock = clock
        self._chance = chance

    def compose(self, letter: Letter) -> bytes:
        message = EmailMessage(default)
        message["From"] = self._sender
        message["To"] = Address(addr_spec=letter.to)
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC))
        message["Message-ID"] = f"<{self._chance.token(_MARK_LENGTH)}@{self.address.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
        if letter.unsubscribe is not None:
            message["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
        message.set_content(letter.text, cte="base64")
        message.add_alternative(letter.html, subtype="html", cte="base64")
        message.set_boundary(self._chance.token(_MARK_LENGTH))
        return message.as_bytes()
