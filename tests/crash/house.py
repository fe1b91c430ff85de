"""The server that is killed and started again, always on the same data and port."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

from tests.architecture.tree import ROOT
from tests.crash.points import EXTRA_MIGRATIONS, VARIABLE
from tests.running.ports import free_port

NAME = "crash.test"
START_SECONDS = 60


class House:
    """One data directory, and a process that lives in it for a while."""

    def __init__(self, folder: Path, database: str | None, *words: str) -> None:
        self.folder = folder
        self.database = database
        self.port = free_port()
        self.migrations = 0
        self.starts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._words = [sys.executable, "-m", "tests.crash.child", "--data", str(folder / "data"), "--name", NAME]
        self._words += ["--client", f"127.0.0.1:{self.port}", "--cheap-passwords", *words]
        if database is not None:
            self._words += ["--database", database]

    @property
    def sqlite_file(self) -> Path:
        return self.folder / "data/chatme.db"

    @property
    def errors(self) -> Path:
        return self.folder / "errors.log"

    def start(self, point: str = "", count: int = 1) -> bool:
        """Returns once it serves; False when it died before."""
        self.starts += 1
        environment = os.environ | {EXTRA_MIGRATIONS: str(self.migrations)}
        if point:
            environment[VARIABLE] = f"{point}:{count}"
        with self.errors.open("ab") as errors:
            self._process = subprocess.Popen(
                self._words, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors
            )
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], START_SECONDS)
        line = self._process.stdout.readline() if readable else b""
        if line.startswith(b"ChatMe "):
            return True
        self.kill()
        return False

    def arm(self) -> None:
        """From now on the point counts."""
        if self._process is not None:
            self._process.send_signal(signal.SIGUSR1)

    @property
    def is_dead(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._bury(self._process)

    def stop(self) -> int:
        """As an administrator would; the exit code."""
        if self._process is None:
            return 0
        process = self._process
        process.send_signal(signal.SIGTERM)
        self._bury(process)
        return process.returncode

    def _bury(self, process: subprocess.Popen[bytes]) -> None:
        process.wait(START_SECONDS)
        if process.stdout is not None:
            process.stdout.close()
        self._process = None

    def resident_mib(self) -> float:
        """Memory of the running process."""
        if self._process is None:
            return 0.0
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)

    def failures(self) -> list[str]:
        """What the server said of itself that it must never say; the lines of a traceback, too."""
        lines = self.errors.read_text(errors="replace").splitlines()
        harmless = ("A new server", "There are no accounts yet")
        said = [line for line in lines if not line.startswith(harmless)]
        return [line for line in said if not line.startswith("20") or "level=critical" in line or "level=error" in line]
