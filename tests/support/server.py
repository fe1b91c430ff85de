"""A whole server in this process: memory database, fake clock, seeded chance, no sockets."""

from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from appservices.transport import Transport as AppserviceTransport
from config.accounts import Passwords, Registration
from config.rate_limits import RateLimits
from config.secret import Secret
from config.settings import Config
from homeserver.mail.letter import Postman
from homeserver.main import Server, build
from homeserver.outside import Outside
from homeserver.streams import Streams
from storage.database import Database
from storage.drivers.threads import NoThreads
from tests.support.client import Client, run
from tests.support.clock import FakeClock, SeededChance
from tests.support.storage import open_memory_database

T = TypeVar("T")
NAME = "test"


class TestServer:
    """The server, its clock, and clients of it."""

    __test__ = False

    def __init__(self, server: Server, clock: FakeClock, database: Database) -> None:
        self.server = server
        self.clock = clock
        self.database = database
        self.client = Client(server.doors[0].dispatch)

    def run(self, coroutine: Coroutine[Deferred[Any], Any, T], seconds: float = 120.0) -> T:
        """The result, with time passing until it is there."""
        return run(coroutine, self.clock, seconds)

    def user(self, name: str) -> Client:
        """A new user's client."""
        body = {"username": name, "password": "secret secret", "auth": {"type": "m.login.dummy"}}
        status, answer = self.run(self.client.post("/_matrix/client/v3/register", body))
        assert status == 200, answer
        return self.client.with_token(answer["access_token"])

    def ok(self, coroutine: Coroutine[Deferred[Any], Any, tuple[int, Any]]) -> Any:
        """The JSON of an answer that must be 200."""
        status, answer = self.run(coroutine)
        assert status == 200, (status, answer)
        return answer


def test_config(directory: Path, **sections: Any) -> Config:
    """Everything open and cheap; `sections` replaces whole sections."""
    config = Config(
        registration=Registration(enabled=True, requires_token=False, guests=True, shared_secret=Secret("shared secret")),
        passwords=Passwords(minimum_length=1, memory_kib=8, iterations=1),
        rate_limits=RateLimits(enabled=False),
    )
    server = config.server._replace(name=NAME, data_directory=str(directory), signing_key=str(directory / "signing.key"))
    return config._replace(**{"server": server, **sections})


test_config.__test__ = False  # type: ignore[attr-defined]


def make_server(
    directory: Path,
    *,
    database: Database | None = None,
    streams: Streams | None = None,
    seed: int = 0,
    postman: Postman | None = None,
    outside: Outside | None = None,
    services: AppserviceTransport | None = None,
    **sections: Any,
) -> TestServer:
    """A new server with its data in `directory` (the signing key alone) and in memory."""
    clock, chance, threads = FakeClock(), SeededChance(seed), NoThreads()
    streams = streams or Streams()
    database = database or run(open_memory_database(streams))
    config = test_config(directory, **sections)
    building = build(
        config,
        clock=clock,
        chance=chance,
        threads=threads,
        database=database,
        streams=streams,
        outside=outside,
        postman=postman,
        services=services,
    )
    server = run(building)
    return TestServer(server, clock, database)
