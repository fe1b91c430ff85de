"""Our server, on ports that stay the same when it is killed and started again."""

from pathlib import Path
from types import TracebackType

from tests.federation.support.certificates import Certificate
from tests.peers.person import Side
from tests.running.process import SERVE, Running


class Ours:
    """`with Ours(…) as ours:`; `kill` as the machine would, and `start`."""

    def __init__(self, folder: Path, name: str, ports: tuple[int, int], certificate: Certificate, authority: Path) -> None:
        client, federation = ports
        self.side = Side(name, f"http://127.0.0.1:{client}")
        self._folder = folder
        folder.mkdir()
        self._words = [SERVE, "--data", str(folder / "data"), "--name", name, "--client", f"127.0.0.1:{client}"]
        self._words += ["--federation", f"127.0.0.1:{federation}", "--cert", str(certificate.certificate), "--key", str(certificate.key)]
        self._words += ["--ca", str(authority), "--no-limits", "--cheap-passwords", "--private-addresses"]

    def __enter__(self) -> "Ours":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._running.stop()

    def start(self) -> None:
        self._running = Running(self._words, self._folder)

    def kill(self) -> None:
        self._running.process.kill()
        self._running.process.communicate()
