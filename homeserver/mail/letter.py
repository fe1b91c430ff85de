"""A letter, and who takes it: a port, so that a test reads what was written."""

from typing import NamedTuple, Protocol

from homeserver.errors import Unavailable


class MailFailed(Unavailable):
    """The mail server did not take it; what went wrong stands in the log."""

    default_message = "The letter could not be sent just now, try again later"


class Letter(NamedTuple):
    to: str  # one address, as `is_address` allows
    subject: str
    text: str
    html: str
    unsubscribe: str | None = None  # where one click ends letters of this kind


class Postman(Protocol):
    async def send(self, letter: Letter) -> None:
        """Returns when the mail server has taken it; raises MailFailed."""
