"""The two servers, the lines to them, and a person on each."""

import itertools
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.federation.support.certificates import Authority
from tests.peers.person import Person, Side
from tests.peers.relay import Relay
from tests.peers.synapse import RETRY_MS, Synapse
from tests.running.process import SERVE, Running


class Pair:
    """`ours` and `theirs`; `people` makes somebody new on each; `part` and `mend` the servers."""

    def __init__(self, ours: Side, synapse: Synapse, lines: tuple[Relay, Relay]) -> None:
        self.ours = ours
        self.synapse = synapse
        self.theirs = synapse.side
        self._lines = lines
        self._numbers = itertools.count(1)

    def people(self) -> tuple[Person, Person]:
        """Ours and theirs."""
        number = next(self._numbers)
        return self.ours.person(f"ann{number}"), self.theirs.person(f"ben{number}")

    def part(self) -> None:
        for line in self._lines:
            line.cut()

    def mend(self) -> None:
        """After this Synapse tries again as soon as it has something to tell."""
        for line in self._lines:
            line.mend()
        time.sleep(4 * RETRY_MS / 1000)


@contextmanager
def open_pair(python: Path, folder: Path) -> Iterator[Pair]:
    authority = Authority(folder)
    certificate = authority.certify("localhost", "127.0.0.1")
    ours, client, federation = (free_port() for _ in range(3))
    with ExitStack() as stack:
        lines = (stack.enter_context(Relay(ours)), stack.enter_context(Relay(federation)))
        (folder / "ours").mkdir()
        words = ["--data", str(folder / "ours" / "data"), "--name", f"127.0.0.1:{lines[0].port}", "--client", "127.0.0.1:0"]
        words += ["--federation", f"127.0.0.1:{ours}", "--cert", str(certificate.certificate), "--key", str(certificate.key)]
        words += ["--ca", str(authority.file), "--no-limits", "--cheap-passwords", "--private-addresses"]
        running = stack.enter_context(Running([SERVE, *words], folder / "ours"))
        synapse = Synapse(python, folder / "theirs", f"localhost:{lines[1].port}", (client, federation), certificate, authority.file)
        stack.enter_context(synapse)
        yield Pair(Side(running.name, running.address), synapse, lines)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
