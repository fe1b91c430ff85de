"""Where the assistant runs: inside ChatMe, or as a process of its own beside ChatMe or Synapse."""

import json
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.tree import ROOT
from tests.assistant.running.model import Model
from tests.assistant.running.tap import Tap
from tests.federation.support.certificates import Authority
from tests.peers.synapse import Synapse
from tests.protocol.oracle.compare import oracle_python
from tests.running.ports import free_port
from tests.running.process import PATIENCE_SECONDS, SERVE, Running

NAME = "chatme.test"
OPEN = ("assistant.turns_a_minute=1000",)
PLACES = ("inside", "beside", "synapse")


class Alone:
    """The assistant as a process of its own."""

    def __init__(self, folder: Path, user_id: str, homeserver: str, model: Model, **settings: Any) -> None:
        self._config = folder / "assistant.toml"
        self.port = free_port()
        self._told = {"homeserver_url": homeserver, "user_id": user_id, "listen_port": self.port, "turns_a_minute": 1000}
        self._model = {"base_url": model.url, "name": "scripted", "provider": "the tests", "where": "here"}
        self.set(**settings)
        self._log = folder / "assistant.log"
        self.registration = folder / "assistant-registration.yaml"
        self.database = folder / "assistant.db"
        self._process: subprocess.Popen[bytes] | None = None
        self._run("register")

    def set(self, **settings: Any) -> None:
        """For the next start."""
        self._told |= settings
        lines = [f"{name} = {json.dumps(value)}" for name, value in self._told.items()]
        lines += ["[model]", *(f"{name} = {json.dumps(value)}" for name, value in self._model.items())]
        self._config.write_text("\n".join(lines))

    def _words(self, action: str) -> list[str]:
        return [str(ROOT / ".venv/bin/chatme-assistant"), action, "--config", str(self._config)]

    def _run(self, action: str) -> None:
        subprocess.run(self._words(action), check=True, capture_output=True)

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._words("run"), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        latest = time.monotonic() + PATIENCE_SECONDS
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text()[-3000:]
            assert time.monotonic() < latest, "the assistant does not come up"
            time.sleep(0.02)

    def end(self, number: int = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(PATIENCE_SECONDS)
            self._process = None

    def _answers(self) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5) as answer:
            return bool(answer.status == 200)
        return False


@dataclass
class Place:
    address: str
    user_id: str
    model: Model
    database: Path
    alone: Alone | None = None
    tap: Tap | None = None
    server: Running | None = None
    words: list[str] = field(default_factory=list)  # that start ChatMe
    folder: Path = Path()

    def end(self, number: int = signal.SIGTERM) -> None:
        """The process that holds the assistant."""
        if self.alone is not None:
            self.alone.end(number)
        elif self.server is not None:
            self.server.process.send_signal(number)
            self.server.process.communicate(timeout=PATIENCE_SECONDS)

    def start(self) -> None:
        if self.alone is not None:
            self.alone.start()
        else:
            self.server = Running(self.words, self.folder)


@contextmanager
def open_inside(folder: Path, model: Model, *settings: str) -> Iterator[Place]:
    port = free_port()
    words = [SERVE, "--data", str(folder / "data"), "--name", NAME, "--client", f"127.0.0.1:{port}", "--cheap-passwords", "--no-limits"]
    for setting in ("assistant.enabled=true", *OPEN, *model.settings, *settings):
        words += ["--set", setting]
    place = Place(f"http://127.0.0.1:{port}", f"@assistant:{NAME}", model, folder / "data/assistant.db", words=words, folder=folder)
    place.start()
    try:
        yield place
    finally:
        if place.server is not None:
            place.server.stop()


@contextmanager
def open_beside(folder: Path, model: Model, **settings: Any) -> Iterator[Place]:
    """Through a tap."""
    with ExitStack() as stack:
        tap = Tap()
        stack.callback(tap.close)
        alone = Alone(folder, f"@assistant:{NAME}", tap.address, model, **settings)
        words = [SERVE, "--data", str(folder / "data"), "--name", NAME, "--client", "127.0.0.1:0", "--cheap-passwords", "--no-limits"]
        server = stack.enter_context(Running([*words, "--appservice", str(alone.registration)], folder))
        tap.upstream = server.address
        stack.callback(alone.end)
        alone.start()
        yield Place(server.address, f"@assistant:{NAME}", model, alone.database, alone, tap, folder=folder)


@contextmanager
def open_synapse(folder: Path, model: Model, **settings: Any) -> Iterator[Place]:
    python = oracle_python()
    if python is None:
        pytest.skip("needs matrix-synapse: make oracle")
    client, federation = free_port(), free_port()
    authority = Authority(folder)
    alone = Alone(folder, f"@assistant:localhost:{federation}", f"http://127.0.0.1:{client}", model, **settings)
    certificate = authority.certify("localhost", "127.0.0.1")
    synapse = Synapse(python, folder / "synapse", f"localhost:{federation}", (client, federation), certificate, authority.file)
    ours = folder / "synapse/homeserver.yaml"
    told = json.loads(ours.read_text()) | {"app_service_config_files": [str(alone.registration)]}
    ours.write_text(json.dumps(told))
    with synapse:
        alone.start()
        try:
            yield Place(synapse.side.address, f"@assistant:localhost:{federation}", model, alone.database, alone, folder=folder)
        finally:
            alone.end()


def open_place(kind: str, folder: Path, model: Model) -> Any:
    openers: dict[str, Any] = {"inside": open_inside, "beside": open_beside, "synapse": open_synapse}
    return openers[kind](folder, model)
