"""Two or three whole servers in one process, on one clock, joined by a `FakeNetwork`.

town = build_town(tmp_path)                       # a.test and b.test
alice, bob = town.user("a.test", "alice"), town.user("b.test", "bob")
room = create_room(town["a.test"], alice)         # what tests/support/rooms does with a TestServer works with a member of the town
town.ok("a.test", town["a.test"].reach.client.get("b.test", v1("version")))
town.settle()                                     # what goes on by itself has come to an end
"""

from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from config.federation import Federation
from homeserver.main import Server, build
from homeserver.streams import Streams
from homeserver.wiring.federation import Federation as FederationParts
from homeserver.wiring.parts import Parts
from storage.drivers.threads import NoThreads
from tests.federation.support.network import FakeNetwork
from tests.support.client import Client, run
from tests.support.clock import FakeClock, SeededChance
from tests.support.server import TestServer, test_config
from tests.support.storage import open_memory_database

T = TypeVar("T")


class TownServer(TestServer):
    """A server of the town; `parts` is all it is made of."""

    __test__ = False

    @property
    def parts(self) -> Parts:
        return self.server._parts

    @property
    def federation(self) -> FederationParts:
        return self.parts.federation

    @property
    def name(self) -> str:
        return self.parts.ground.identity.server_name

    def user_id(self, localpart: str) -> str:
        return f"@{localpart}:{self.name}"


class Town:
    """The servers by name, their network and their clock."""

    def __init__(self, servers: dict[str, TownServer], network: FakeNetwork, clock: FakeClock) -> None:
        self.servers = servers
        self.network = network
        self.clock = clock

    def __getitem__(self, name: str) -> TownServer:
        return self.servers[name]

    def run(self, coroutine: Coroutine[Deferred[Any], Any, T], seconds: float = 120.0) -> T:
        """The result, with time passing until it is there."""
        return run(coroutine, self.clock, seconds)

    def user(self, server: str, name: str) -> Client:
        return self.servers[server].user(name)

    def settle(self, seconds: float = 5.0, step: float = 0.05) -> None:
        """Let time pass in small steps."""
        for _ in range(round(seconds / step)):
            self.clock.advance(step)

    def close(self) -> None:
        for server in self.servers.values():
            run(server.server.stop(), self.clock)


def build_town(
    directory: Path, names: Sequence[str] = ("a.test", "b.test"), *, seed: int = 0, signing_key: str = "", **sections: Any
) -> Town:
    """New servers with their data in memory. `sections` replaces sections of the settings of each; `signing_key` is a key file for all."""
    clock = FakeClock()
    network = FakeNetwork(clock, SeededChance(seed))
    servers = {}
    for number, name in enumerate(names):
        servers[name] = _build(directory / name, name, network, clock, SeededChance(seed * 1000 + number), signing_key, sections)
        dispatch = servers[name].server.doors[0].dispatch
        network.join(name, dispatch)
        network.whole.add(dispatch)
    for server in servers.values():
        run(server.server.take_up(), clock)
    return Town(servers, network, clock)


def _build(
    directory: Path, name: str, network: FakeNetwork, clock: FakeClock, chance: SeededChance, signing_key: str, sections: dict[str, Any]
) -> TownServer:
    directory.mkdir()
    config = test_config(directory, **{"federation": Federation(enabled=True), **sections})
    config = config._replace(server=config.server._replace(name=name, signing_key=signing_key or config.server.signing_key))
    streams = Streams()
    database = run(open_memory_database(streams))
    building = build(
        config,
        clock=clock,
        chance=chance,
        threads=NoThreads(),
        database=database,
        streams=streams,
        transport=network.transport(name),
    )
    server: Server = run(building)
    return TownServer(server, clock, database)


@contextmanager
def town_of(directory: Path, *names: str, seed: int = 0, **sections: Any) -> Iterator[Town]:
    """A town that is closed in the end."""
    town = build_town(directory, names or ("a.test", "b.test"), seed=seed, **sections)
    try:
        yield town
    finally:
        town.close()
