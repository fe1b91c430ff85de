"""Two servers on one database, as two processes would be: the questions of a connection go to the one and to the other.

What another process writes is not heard of by itself yet: whoever is asked writes something first, and so comes to know how far the stream is.
"""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from homeserver.streams import Streams
from storage.database import WriteCursor
from tests.storage.conftest import DatabaseFactory
from tests.support.loop import ThreadLoop
from tests.support.places import on_database
from tests.support.server import TestServer
from tests.sync.histories import History
from tests.sync.sliding.connection import a_list
from tests.sync.sliding.law import SlidingLaw
from tests.sync.sliding.model import SlidingModel
from tests.sync.sliding.town import Town

pytestmark = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


class Twins:
    def __init__(self, directory: Path, factory: DatabaseFactory, loop: ThreadLoop) -> None:
        self.servers: list[TestServer] = []
        for seed in range(2):
            streams = Streams()
            self.servers.append(on_database(directory, factory(streams), streams, loop, seed=seed))

    def __getitem__(self, number: int) -> TestServer:
        server = self.servers[number]
        server.run(_catch_up(server))
        return server


async def _catch_up(server: TestServer) -> None:
    def take(cursor: WriteCursor) -> int:
        return cursor.position()

    await server.database.write(take)


@pytest.fixture
def twins(tmp_path: Path, database_factory: DatabaseFactory, loop: ThreadLoop) -> Twins:
    return Twins(tmp_path, database_factory, loop)


class Wanderer:
    """Alice's client, which asks now here and now there."""

    def __init__(self, twins: Twins) -> None:
        self.twins, self.town = twins, Town(twins[0])
        self.rooms = [self.town.room(str(number)) for number in range(4)]
        self.client = self.town.client()

    def sync(self, number: int, last: int) -> dict[str, Any]:
        server = self.client.server = self.twins[number]
        self.client.client = server.client.with_token(self.town.alice.token or "")
        return dict(self.client.sync(lists={"all": a_list(last)})["rooms"])


def test_a_connection_goes_on_wherever_it_is_asked_for(twins: Twins) -> None:
    alice = Wanderer(twins)
    assert set(alice.sync(0, 0)) == {alice.rooms[3]}
    for turn in range(6):
        sent = alice.town.say(alice.rooms[3])
        told = alice.sync((turn + 1) % 2, turn // 2 + 1)
        new = {alice.rooms[2 - turn // 2]} if turn % 2 == 0 else set()
        assert set(told) == {alice.rooms[3]} | new
        assert [event["event_id"] for event in told[alice.rooms[3]]["timeline"]] == [sent]
        assert not told[alice.rooms[3]].get("initial")


def test_an_answer_is_lost_and_another_server_is_asked(twins: Twins) -> None:
    """What the one told is not what the other told."""
    alice = Wanderer(twins)
    alice.sync(0, 0)
    alice.sync(1, 0)
    before = alice.client.pos
    assert set(alice.sync(0, 1)) == {alice.rooms[2]}
    alice.client.pos = before
    assert set(alice.sync(1, 2)) == {alice.rooms[2], alice.rooms[1]}
    assert set(alice.sync(0, 3)) == {alice.rooms[0]}
    assert alice.sync(1, 3) == {}


@pytest.mark.parametrize(("seed", "kind"), [(900, "newest"), (901, "lazy_everything")])
def test_the_law_of_increments(twins: Twins, seed: int, kind: str) -> None:
    law, history = SlidingLaw(kind, Random(seed)), History(twins[0], seed)
    models = {user: SlidingModel() for user in history.clients}
    for _ in range(80):
        history.step()
        for user, model in models.items():
            if law.random.random() < 0.15:
                server = twins[law.random.randrange(2)]
                law.read_on(server, server.client.with_token(history.clients[user].token or ""), model, history.rooms)
    history.rest()
    law.check(twins[0], history.clients, models)
