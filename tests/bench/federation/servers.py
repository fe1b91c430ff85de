"""The servers that are measured, each a process of its own with real TLS, on SQLite or on a PostgreSQL of its own."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.servers import Tools, free_port, processor_seconds, start_postgres
from tests.federation.support.certificates import Authority, Certificate
from tests.peers.person import Person, Side
from tests.peers.synapse import Synapse
from tests.running.process import SERVE, Running

KINDS = ("chatme", "synapse")


@dataclass(frozen=True, slots=True)
class Measured:
    """A server that runs. `pids`: its own and that of its database."""

    kind: str
    side: Side
    pids: list[int]

    def processor_seconds(self) -> float:
        return processor_seconds(self.pids)

    def memory_mb(self) -> float:
        """Of the server alone."""
        pages = int(Path(f"/proc/{self.pids[0]}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def person(self, name: str) -> Person:
        return self.side.person(name)


class Place:
    """Where servers are started: a folder, an authority that all of them trust, and their programs."""

    def __init__(self, folder: Path, tools: Tools, authority: Authority, certificate: Certificate) -> None:
        self.folder = folder
        self.tools = tools
        self.authority = authority
        self.certificate = certificate
        self._count = 0

    @contextmanager
    def server(self, kind: str, driver: str) -> Iterator[Measured]:
        """On an empty database."""
        self._count += 1
        folder = self.folder / f"{kind}{self._count}"
        folder.mkdir()
        folder.chmod(0o755)  # PostgreSQL runs as another user
        postgres = url = None
        if driver == "postgres":
            postgres, url, _ = start_postgres(folder, self.tools)
        try:
            with self._chatme(folder, url) if kind == "chatme" else self._synapse(folder, url) as (side, pid):
                yield Measured(kind, side, [pid, *([postgres.pid] if postgres is not None else [])])
        finally:
            if postgres is not None:
                postgres.send_signal(signal.SIGINT)
                postgres.wait(60)

    @contextmanager
    def _chatme(self, folder: Path, url: str | None) -> Iterator[tuple[Side, int]]:
        port = free_port()
        words = [SERVE, "--data", str(folder / "data"), "--name", f"127.0.0.1:{port}", "--client", f"127.0.0.1:{free_port()}"]
        words += ["--federation", f"127.0.0.1:{port}", "--cert", str(self.certificate.certificate), "--key", str(self.certificate.key)]
        words += ["--ca", str(self.authority.file), "--no-limits", "--cheap-passwords", "--private-addresses"]
        words += ["--set", "listeners.client.serves=client,federation,metrics"]
        with Running([*words, *(["--database", url] if url else [])], folder) as running:
            yield Side(running.name, running.address), running.process.pid

    @contextmanager
    def _synapse(self, folder: Path, url: str | None) -> Iterator[tuple[Side, int]]:
        ports = (free_port(), free_port())
        database = None
        if url is not None:
            place = url.partition("@")[2]
            host, _, port = place.partition("/")[0].partition(":")
            words = {"user": "synapse", "dbname": place.partition("/")[2], "host": host, "port": int(port), "cp_min": 5, "cp_max": 10}
            database = {"name": "psycopg2", "args": words}
        name = f"127.0.0.1:{ports[1]}"
        synapse = Synapse(
            self.tools.synapse_python, folder / "synapse", name, ports, self.certificate, self.authority.file, database
        )  # fmt: skip
        with synapse:
            yield synapse.side, synapse.pid
