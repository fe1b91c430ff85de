"""A real server in a process of its own, and what it says."""

import json
import os
import re
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.architecture.tree import ROOT

PATIENCE_SECONDS = 60
SERVES = re.compile(r"ChatMe \S+ serves (\S+) at (http\S+)")
CHATME = str(ROOT / ".venv/bin/chatme")
SERVE = str(ROOT / "tests/serve")


class Running:
    """`with Running(words) as server:` from the line it prints until SIGTERM has ended it."""

    def __init__(self, words: Sequence[str], folder: Path, **environment: str) -> None:
        self._errors = folder / "errors.log"
        with self._errors.open("ab") as log:
            self.process = subprocess.Popen(
                words, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True, env=os.environ | environment
            )
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()
        match = SERVES.match(self.line)
        if match is None:
            self.process.kill()
            self.process.communicate()
            raise AssertionError(f"the server does not serve: {self.errors()[-2000:]}")
        self.name, self.address = match.groups()

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> str:
        """What it still printed on standard output."""
        if self.process.returncode is not None:
            return ""
        self.process.send_signal(signal.SIGTERM)
        rest, _ = self.process.communicate(timeout=PATIENCE_SECONDS)
        return rest

    def errors(self) -> str:
        return self._errors.read_text()

    def ask(self, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def read(self, path: str) -> str:
        with urllib.request.urlopen(self.address + path, timeout=PATIENCE_SECONDS) as answer:
            return str(answer.read(), "utf-8")

    def log_in(self, user: str, password: str) -> tuple[int, Any]:
        identifier = {"type": "m.id.user", "user": user}
        return self.ask("POST", "/_matrix/client/v3/login", {"type": "m.login.password", "identifier": identifier, "password": password})


def command(*words: str, folder: Path, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """One command to its end."""
    return subprocess.run(
        words, cwd=folder, input=given, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS, env=os.environ | environment
    )
