"""Hands letters to the mail server over SMTP. Twisted's client comes with OpenSSL, so it is loaded with the first letter."""

from io import BytesIO
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from config.outgoing import Mail
from homeserver.clock import Chance, Clock
from homeserver.mail.compose import Composer
from homeserver.mail.letter import Letter, MailFailed

SECONDS = 30.0  # for one letter, from the connection to the answer


class SmtpPostman:
    """One connection for each letter."""

    _log = Logger()

    def __init__(self, settings: Mail, reactor: Any, clock: Clock, chance: Chance) -> None:
        self._settings = settings
        self._reactor = reactor
        self._clock = clock
        self._authority = Path(settings.authority).read_bytes() if settings.authority else None
        self._composer = Composer(settings.sender, clock, chance)

    async def send(self, letter: Letter) -> None:
        from homeserver.mail.session import Session

        settings = self._settings
        session = Session(
            self._reactor,
            host=settings.host,
            port=settings.port,
            tls=settings.tls,
            authority=self._authority,
            user=settings.user,
            password=settings.password.reveal(),
        )
        working: Deferred[None] = Deferred.fromCoroutine(
            session.deliver(self._composer.address, letter.to, BytesIO(self._composer.compose(letter)))
        )
        timer = self._clock.call_later(SECONDS, working.cancel)
        try:
            await working
        except Exception as error:
            self._log.error("a letter was not taken by {host}: {error}", host=settings.host, error=error)
            raise MailFailed from error
        finally:
            session.end()
            if timer.active():
                timer.cancel()
