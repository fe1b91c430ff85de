"""Secrets stay where they belong: a whole session at debug level leaves none of them in logs, answers of others, metrics or the database."""

import hmac
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.running.process import SERVE, Running

SHARED = "MARKED-shared-secret"
PASSWORDS = ["MARKED-first-password", "MARKED-second-password", "MARKED-wrong-password", "MARKED-admin-password"]
CLIENT = "/_matrix/client/v3"


class Session:
    """What a person does with secrets, and the secrets the server made meanwhile."""

    def __init__(self, server: Running) -> None:
        self.server = server
        self.made: list[str] = []
        self.metrics = ""

    def ask(self, method: str, path: str, body: Any = None, token: str = "", expect: int = 200) -> Any:
        status, answer = self.server.ask(method, path, body, token)
        assert status == expect, answer
        self.made += [answer[name] for name in ("access_token", "refresh_token", "login_token", "session") if name in answer]
        return answer

    def play(self) -> None:
        first, second, wrong, admin = PASSWORDS
        asked = {"username": "alice", "password": first, "refresh_token": True}
        session = self.ask("POST", f"{CLIENT}/register", asked, expect=401)["session"]
        alice = self.ask("POST", f"{CLIENT}/register", asked | {"auth": {"type": "m.login.dummy", "session": session}})
        self.ask("POST", f"{CLIENT}/login", self.by_password(wrong), expect=403)
        alice = self.ask("POST", f"{CLIENT}/login", self.by_password(first) | {"refresh_token": True})
        alice = self.ask("POST", f"{CLIENT}/refresh", {"refresh_token": alice["refresh_token"]})
        token = alice["access_token"]
        self.ask("GET", f"{CLIENT}/account/whoami?access_token={token}")
        self.ask("GET", f"{CLIENT}/account/whoami?access_token={token}x", expect=401)
        self.ask("POST", f"{CLIENT}/account/password", {"new_password": second, "logout_devices": False}, token, expect=401)
        auth = self.by_password(first) | {"session": self.made[-1]}
        self.ask("POST", f"{CLIENT}/account/password", {"new_password": second, "logout_devices": False, "auth": auth}, token)
        self.ask("POST", "/_matrix/client/v1/login/get_token", {"auth": self.by_password(second)}, token)
        self.ask("POST", f"{CLIENT}/login", {"type": "m.login.token", "token": self.made[-1]})
        self.by_shared_secret(admin)
        self.ask("POST", f"{CLIENT}/login", {"type": "m.login.token", "token": ["MARKED-malformed"]}, expect=400)

    def by_password(self, password: str) -> dict[str, Any]:
        return {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "alice"}, "password": password}

    def by_shared_secret(self, password: str) -> None:
        path = "/_synapse/admin/v1/register"
        nonce = self.ask("GET", path)["nonce"]
        proof = hmac.new(SHARED.encode(), f"{nonce}\0root\0{password}\0admin".encode(), "sha1").hexdigest()
        self.made.append(proof)
        self.ask("POST", path, {"nonce": nonce, "username": "root", "password": password, "admin": True, "mac": proof})


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Session, Path, str]:
    folder = tmp_path_factory.mktemp("secrets")
    needed = ("--data", str(folder / "data"), "--name", "test", "--client", "127.0.0.1:0", "--cheap-passwords", "--secret", SHARED)
    words = [SERVE, *needed, "--set", "logging.level=debug", "--set", "listeners.client.serves=client,metrics"]
    with Running(words, folder) as server:
        session = Session(server)
        session.play()
        session.metrics = server.read("/metrics")
    return session, folder, server.errors()


def found(text: bytes, session: Session) -> list[str]:
    assert len(session.made) > 8
    return [secret for secret in (SHARED, "MARKED", *PASSWORDS, *session.made) if secret.encode() in text]


def test_no_secret_is_logged(played: tuple[Session, Path, str]) -> None:
    session, _, log = played
    assert "/account/whoami?access_token=" in log
    assert found(log.encode(), session) == []


def test_no_secret_is_measured(played: tuple[Session, Path, str]) -> None:
    session, _, _ = played
    assert "# HELP" in session.metrics
    assert found(session.metrics.encode(), session) == []


def test_no_secret_is_stored_as_it_is(played: tuple[Session, Path, str]) -> None:
    session, folder, _ = played
    files = [path for path in (folder / "data").rglob("*") if path.is_file()]
    assert any(path.name == "chatme.db" for path in files)
    for path in files:
        assert found(path.read_bytes(), session) == [], path.name


def test_files_are_for_this_user_alone(played: tuple[Session, Path, str]) -> None:
    _, folder, _ = played
    assert [path.name for path in (folder / "data").rglob("*") if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
