"""Letters of the real server to a real mail server, over each kind of connection."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.mail.mailbox import Mailbox, open_mailbox, text_of
from tests.running.process import SERVE, Running
from tests.web.edge.test_listen import make_certificate

ASK = "/_matrix/client/v3/account/password/email/requestToken"


@contextmanager
def serve(folder: Path, mailbox: Mailbox, **mail: Any) -> Iterator[Running]:
    words = [SERVE, "--data", str(folder / "data"), "--name", "test.example", "--client", "127.0.0.1:0", "--cheap-passwords"]
    given = {"host": "127.0.0.1", "port": mailbox.port, "sender": "Our chat <chat@test.example>", **mail}
    for setting in ("server.public_base_url=http://localhost", *(f"mail.{name}={value}" for name, value in given.items())):
        words += ["--set", setting]
    with Running(words, folder) as server:
        yield server


def ask(server: Running, email: str = "alice@example.org", attempt: int = 1) -> int:
    status, _ = server.ask("POST", ASK, {"client_secret": "secret", "email": email, "send_attempt": attempt})
    return status


@pytest.fixture
def secured(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    certificate, key = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


def test_a_letter(tmp_path: Path) -> None:
    with open_mailbox() as mailbox, serve(tmp_path, mailbox, tls="none") as server:
        assert ask(server) == 200
        letter = mailbox.to("alice@example.org")
        assert mailbox.envelopes == [("chat@test.example", ["alice@example.org"])]
        assert letter["From"] == "Our chat <chat@test.example>"
        assert letter["Subject"] == "No account at test.example has this address"
        assert letter["Auto-Submitted"] == "auto-generated"
        assert letter["Message-ID"].endswith("@test.example>")
        assert "No account there has this address" in text_of(letter)
        html = letter.get_body(("html",))
        assert html is not None
        assert "<strong>test.example</strong>" in html.get_content()
        mailbox.refuses = 1
        assert ask(server, attempt=2) == 503
        assert ask(server, attempt=2) == 200


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_encrypted_and_with_a_password(tmp_path: Path, secured: tuple[ssl.SSLContext, Path], tls: str) -> None:
    context, certificate = secured
    settings = {"host": "localhost", "tls": tls, "authority": certificate, "user": "chat"}
    with open_mailbox(tls, context, login=True) as mailbox:
        with serve(tmp_path, mailbox, **settings, password='"mail secret"') as server:
            assert ask(server) == 200
            assert mailbox.logins == [(b"chat", b"mail secret")]
            assert len(mailbox.letters) == 1
        with serve(tmp_path, mailbox, **settings, password="wrong") as server:
            assert ask(server, attempt=2) == 503


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_who_is_not_vouched_for_gets_no_letters(tmp_path: Path, secured: tuple[ssl.SSLContext, Path], tls: str) -> None:
    with open_mailbox(tls, secured[0]) as mailbox, serve(tmp_path, mailbox, host="localhost", tls=tls) as server:
        assert ask(server) == 503
        assert mailbox.letters == []


def test_no_encryption_no_letters(tmp_path: Path) -> None:
    with open_mailbox() as mailbox, serve(tmp_path, mailbox, tls="starttls") as server:
        assert ask(server) == 503
        assert mailbox.letters == []


def test_nobody_takes_letters(tmp_path: Path) -> None:
    with open_mailbox() as mailbox:
        pass
    with serve(tmp_path, mailbox, tls="none") as server:
        assert ask(server) == 503
