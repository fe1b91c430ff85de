"""A fresh server on one storage driver behind a recorder, and whoever comes to it."""

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from tests.clients.person import Person
from tests.clients.recorder import Recorder
from tests.mail.mailbox import Mailbox, open_mailbox
from tests.running.process import SERVE, Running
from tests.support.postgres import TemporaryPostgres, find_binaries

NAME = "clients.test"
PASSWORD = "correct horse battery staple"
SECRET = "a secret shared with tools"
TURN = "turn:turn.clients.test?transport=udp"
POLICY_KEY = "6yhHGKhCiXTSEN2ksjV7kX/N6rBQZ3Xb+M7LlC6NS+s"
DRIVERS = ("sqlite", "postgres")


@dataclass
class House:
    """What a test knows of the server."""

    driver: str
    folder: Path
    words: list[str]  # that start the server
    recorder: Recorder
    mailbox: Mailbox
    server: Running = field(init=False)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def address(self) -> str:
        """Where clients find it: the recorder."""
        return self.recorder.address

    @property
    def recording(self) -> Path:
        return self.recorder.file

    def restart(self) -> None:
        """Clients notice nothing but a moment without answers."""
        self.server.stop()
        self.start()

    def start(self) -> None:
        self.server = Running(self.words, self.folder)
        self.recorder.upstream = self.server.address

    def new_name(self, stem: str) -> str:
        """A name that nobody has."""
        return f"{stem}-{next(self._numbers)}"

    def stranger(self) -> Person:
        """Somebody without an account."""
        return Person(self.address)

    def person(self, stem: str) -> Person:
        """Somebody with a new account, logged in."""
        return self.stranger().register(self.new_name(stem), PASSWORD)

    def administrator(self) -> Person:
        """Somebody with a new account that may administer the server."""
        name, path = self.new_name("admin"), "/_synapse/admin/v1/register"
        nonce = self.stranger().get(path)["nonce"]
        mac = hmac.new(SECRET.encode(), b"\0".join([nonce.encode(), name.encode(), PASSWORD.encode(), b"admin"]), hashlib.sha1).hexdigest()
        answer = self.stranger().post(path, {"nonce": nonce, "username": name, "password": PASSWORD, "admin": True, "mac": mac})
        person = Person(self.address, answer["user_id"], answer["access_token"], answer["device_id"])
        person.password = PASSWORD
        return person

    def people(self, *stems: str) -> list[Person]:
        return [self.person(stem) for stem in stems]


@contextmanager
def database_of(driver: str) -> Iterator[list[str]]:
    """The words that tell tests/serve of it."""
    if driver == "sqlite":
        yield []
        return
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL server is installed here")
    postgres = TemporaryPostgres(binaries)
    try:
        postgres.start()
        yield ["--database", postgres.create()]
    finally:
        postgres.remove()


@contextmanager
def open_house(driver: str, folder: Path, *settings: str) -> Iterator[House]:
    """`settings` go before those of tests/serve."""
    with database_of(driver) as database, Recorder(folder / "traffic.jsonl") as recorder, open_mailbox() as mailbox:
        words = [SERVE, "--data", str(folder / "data"), "--name", NAME, "--client", "127.0.0.1:0", "--secret", SECRET]
        words += ["--cheap-passwords", "--private-addresses", *database]
        words += ["--set", f'turn.uris=["{TURN}"]', "--set", "turn.shared_secret=shared", "--set", f"server.policy_server_key={POLICY_KEY}"]
        mail = {"host": "127.0.0.1", "port": mailbox.port, "tls": "none", "sender": f"chat@{NAME}", "notify_after_seconds": 0}
        words += [word for name, value in mail.items() for word in ("--set", f"mail.{name}={value}")]
        words += ["--set", "registration.email=optional", "--set", "rate_limits.mail_address.per_second=0"]
        for setting in ("passwords.minimum_length=8", f"server.public_base_url={recorder.address}", *settings):
            words += ["--set", setting]
        house = House(driver, folder, words, recorder, mailbox)
        house.start()
        try:
            yield house
        finally:
            house.server.stop()
