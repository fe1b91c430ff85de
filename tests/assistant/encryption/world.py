"""A homeserver, the assistant and a model, each in a process or thread of its own; all that the assistant asks goes through a relay that can refuse it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from itertools import count
from pathlib import Path
from typing import Any

from tests.appservices.relay import Relay
from tests.architecture.tree import ROOT
from tests.assistant.encryption.local_model import LocalModel
from tests.clients.house import NAME, open_house
from tests.federation.support.certificates import Authority
from tests.peers.synapse import Synapse
from tests.running.ports import free_port
from tests.running.process import PATIENCE_SECONDS

ANSWER = "The answer is a marmalade sandwich."
USER = f"@assistant:{NAME}"


class Guarded(Relay):
    """From the assistant to the homeserver. What is asked with one of these words in its path is refused."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.refused: tuple[str, ...] = ()

    def ask(self, address: str, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes, str]:
        if any(word in request.path for word in self.refused):
            return 403, json.dumps({"errcode": "M_FORBIDDEN", "error": "not today"}).encode(), "application/json"
        return super().ask(address, request, body)

    def sent(self) -> list[tuple[str, Any]]:
        """Path and content of all that was to go into rooms."""
        return [(path, body) for _, path, body, _ in list(self.seen) if "/send/" in path or "/state/" in path]


class World:
    def __init__(self, house: Any, user: str, folder: Path, model: LocalModel, relay: Guarded) -> None:
        """`house` has an address, and names for people."""
        self.house = house
        self.user = user
        self.folder = folder
        self.model = model
        self.relay = relay
        self._process: subprocess.Popen[str] | None = None

    def start(self, **settings: Any) -> None:
        """With settings of the model that are others than the last time."""
        self.stop()
        write_settings(self.folder, self.user, self.relay.address, {"base_url": self.model.base_url} | settings)
        words = [sys.executable, "-m", "appservices.assistant", "run", "--config", str(self.folder / "assistant.toml")]
        with (self.folder / "assistant.log").open("ab") as log:
            self._process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self._process.stdout is not None
        assert "listens at" in self._process.stdout.readline(), self.log()

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.communicate(timeout=PATIENCE_SECONDS)
            self._process = None

    def log(self) -> str:
        return (self.folder / "assistant.log").read_text()[-4000:]

    def stored(self) -> bytes:
        """All that homeserver and assistant have on disk."""
        return b"".join(
            file.read_bytes() for file in self.folder.rglob("*") if file.is_file() and file.name not in ("traffic.jsonl", "assistant.log")
        )


def write_settings(folder: Path, user: str, homeserver: str, model: dict[str, Any]) -> None:
    """JSON values are TOML values, as far as these go."""
    file, port = folder / "assistant.toml", folder / "port"
    if not port.exists():
        port.write_text(str(free_port()))
    known = {"homeserver_url": homeserver, "user_id": user, "listen_port": int(port.read_text()), "turns_a_minute": 1000}
    lines = [f"{name} = {json.dumps(value)}" for name, value in known.items()]
    table = {"name": "local", "provider": "the tests"} | model
    lines += ["[assistant.model]", *(f"{name} = {json.dumps(value)}" for name, value in table.items())]
    file.write_text("\n".join(["[assistant]", *lines]))


def register(folder: Path, user: str) -> str:
    """The file for the homeserver."""
    write_settings(folder, user, "http://127.0.0.1:1", {})
    words = [sys.executable, "-m", "appservices.assistant", "register", "--config", str(folder / "assistant.toml")]
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True, env=os.environ)
    return str(folder / "assistant-registration.yaml")


@contextmanager
def open_world(folder: Path) -> Iterator[World]:
    """Beside ChatMe."""
    registrations = json.dumps([register(folder, USER)])
    with (
        open_house("sqlite", folder, f"appservices.registrations={registrations}") as house,
        beside(house, house.server.address, USER, folder) as world,
    ):
        yield world


@contextmanager
def open_synapse_world(python: Path, folder: Path) -> Iterator[World]:
    """Beside Synapse, told to bring the assistant what its device needs."""
    authority = Authority(folder)
    user = f"@assistant:localhost:{free_port()}"
    synapse = Synapse(
        python, folder / "synapse", user.partition(":")[2], (free_port(), free_port()), authority.certify("localhost"), authority.file
    )
    extra = {
        "app_service_config_files": [register(folder, user)],
        "experimental_features": {"msc2409_to_device_messages_enabled": True, "msc3202_transaction_extensions": True},
    }
    file = folder / "synapse" / "homeserver.yaml"
    file.write_text(json.dumps(json.loads(file.read_text()) | extra))
    with synapse, beside(Names(synapse.side.address), synapse.side.address, user, folder) as world:
        yield world


@dataclass
class Names:
    """A place where people have names that nobody had before."""

    address: str
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def new_name(self, stem: str) -> str:
        return f"{stem}-{next(self._numbers)}"


@contextmanager
def beside(house: Any, address: str, user: str, folder: Path) -> Iterator[World]:
    relay, model = Guarded(int(address.rpartition(":")[2])), LocalModel(ANSWER)
    world = World(house, user, folder, model, relay)
    try:
        world.start()
        yield world
    finally:
        world.stop()
        relay.close()
        model.close()
