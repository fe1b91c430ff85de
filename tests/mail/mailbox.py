"""A mail server on this machine that keeps what it is given."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from time import monotonic, sleep
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword


class _Controller(Controller):
    """On any free port."""

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@dataclass
class Mailbox:
    """`refuses`: how many letters are turned away first."""

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    refuses: int = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        if self.refuses:
            self.refuses -= 1
            return "451 Not now"
        assert isinstance(envelope.content, bytes)
        letter = message_from_bytes(envelope.content, policy=default)
        assert isinstance(letter, EmailMessage)
        self.envelopes.append((str(envelope.mail_from), list(envelope.rcpt_tos)))
        self.encrypted.append(session.ssl is not None)
        self.letters.append(letter)
        return "250 Taken"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, auth_data: Any) -> AuthResult:
        assert isinstance(auth_data, LoginPassword)
        self.logins.append((auth_data.login, auth_data.password))
        return AuthResult(success=auth_data.password == b"mail secret", handled=False)

    def to(self, address: str, seconds: float = 60.0) -> EmailMessage:
        """The newest letter to that address; waits for the first."""
        deadline = monotonic() + seconds
        while True:
            for letter in reversed(self.letters):
                if letter["To"] == address:
                    found: EmailMessage = letter
                    return found
            assert monotonic() < deadline, f"no letter came to {address}"
            sleep(0.02)


def text_of(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


@contextmanager
def open_mailbox(tls: str = "none", context: ssl.SSLContext | None = None, *, login: bool = False) -> Iterator[Mailbox]:
    """With `tls` starttls or tls, behind that context."""
    mailbox = Mailbox()
    options: dict[str, Any] = {}
    if login:
        options = {"authenticator": mailbox.authenticate, "auth_required": tls == "starttls", "auth_require_tls": tls == "starttls"}
    if tls == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    server = _Controller(mailbox, hostname="127.0.0.1", port=0, ssl_context=context if tls == "tls" else None, **options)
    server.start()
    try:
        mailbox.port = server.port
        yield mailbox
    finally:
        server.stop()
