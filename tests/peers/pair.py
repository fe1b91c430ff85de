"""The two servers, the lines to them, and a person on each."""

import itertools
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.federation.support.certificates import Authority
from tests.peers.ours import Ours
from tests.peers.person import Person
from tests.peers.relay import Relay
from tests.peers.synapse import RETRY_MS, Synapse
from tests.running.ports import free_port


class Pair:
    """`people` makes somebody new on each server; `part` and `mend` the servers."""

    def __init__(self, ours: Ours, synapse: Synapse, lines: tuple[Relay, Relay]) -> None:
        self.server = ours
        self.ours = ours.side
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
    ports = [free_port() for _ in range(4)]
    with ExitStack() as stack:
        lines = (stack.enter_context(Relay(ports[1])), stack.enter_context(Relay(ports[3])))
        names = f"127.0.0.1:{lines[0].port}", f"localhost:{lines[1].port}"
        ours = Ours(folder / "ours", names[0], (ports[0], ports[1]), certificate, authority.file)
        synapse = Synapse(python, folder / "theirs", names[1], (ports[2], ports[3]), certificate, authority.file)
        yield Pair(stack.enter_context(ours), stack.enter_context(synapse), lines)
