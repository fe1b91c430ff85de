"""Nothing is lost and nothing told under two IDs: not over an orderly end, not over a crash, not when the service was away for long."""

from pathlib import Path

import pytest

from homeserver.streams import Streams
from tests.appservices.house import FakeAppservice, House
from tests.support.client import Client, run
from tests.support.rooms import path
from tests.support.server import make_server
from tests.support.storage import open_memory_database


class Houses:
    """One database and one service, and the servers that come and go."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.streams = Streams()
        self.database = run(open_memory_database(self.streams))
        self.service = FakeAppservice()
        self.count = 0
        self.house = self.open()

    def open(self) -> House:
        self.count += 1
        self.house = House(self.folder, self.database, self.streams, seed=self.count, service=self.service)
        return self.house

    def end(self, *, orderly: bool) -> None:
        line = self.house.line
        if orderly:
            self.house.server.run(line.stop())
        else:
            line._stopped = True
            line._stop_waiting()

    def restart(self, *, orderly: bool = True) -> House:
        clock = self.house.server.clock
        self.end(orderly=orderly)
        house = self.open()
        house.server.clock.set_wall_ms(clock.now_ms())
        return house

    def client(self, other: Client) -> Client:
        return self.house.server.client.with_token(other.token)


@pytest.mark.parametrize("orderly", [True, False])
def test_a_transaction_that_was_begun_is_sent_again_as_it_was(tmp_path: Path, orderly: bool) -> None:
    houses = Houses(tmp_path)
    house, service = houses.house, houses.service
    alice, ghost = house.server.user("alice"), house.ghost("bob")
    room = house.room(alice, ghost)
    house.say(alice, room, "zero")
    assert house.said == ["zero"]
    service.status = 503
    house.say(alice, room, "one")
    house.wait(0.5)
    house.say(alice, room, "two")
    begun = service.transactions[-1]
    service.status = 200
    house = houses.restart(orderly=orderly)
    house.say(houses.client(alice), room, "three")
    house.wait(5)
    assert house.said == ["zero", "one", "two", "three"]
    assert service.transactions.count(begun) >= 2


@pytest.mark.parametrize("orderly", [True, False])
def test_the_wait_goes_on_where_it_was(tmp_path: Path, orderly: bool) -> None:
    houses = Houses(tmp_path)
    house, service = houses.house, houses.service
    alice, ghost = house.server.user("alice"), house.ghost("bob")
    room = house.room(alice, ghost)
    house.wait()
    service.down = True
    house.say(alice, room, "one")
    house.wait(300)
    house = houses.restart(orderly=orderly)
    service.down = False
    house.wait(5)
    assert house.said == []
    house.wait(600)
    assert house.said == ["one"]


def test_nothing_is_told_twice_after_an_orderly_end(tmp_path: Path) -> None:
    houses = Houses(tmp_path)
    house = houses.house
    alice, ghost = house.server.user("alice"), house.ghost("bob")
    room = house.room(alice, ghost)
    house.say(alice, room, "one")
    house.wait()
    told = len(houses.service.transactions)
    house = houses.restart()
    house.wait()
    assert len(houses.service.transactions) == told
    house.say(houses.client(alice), room, "two")
    assert house.said == ["one", "two"]


def test_who_was_away_is_told_of_rooms_as_they_were_then(tmp_path: Path) -> None:
    """The server was restarted meanwhile, so that memory knows of nothing: of each event it is asked who was there when it came."""
    houses = Houses(tmp_path)
    house, service = houses.house, houses.service
    alice, ghost = house.server.user("alice"), house.ghost("bob")
    left, came = house.room(alice, ghost), house.room(alice)
    house.wait()
    service.down = True
    for number in range(120):
        house.say(alice, left, f"left {number}")
    house.say(alice, came, "too early")
    house.ok(house.bridge.post(path("rooms", left, "leave"), {}, query=ghost))
    house.ok(house.bridge.post(path("join", came), {}, query=ghost))
    house.say(alice, left, "too late")
    house.say(alice, came, "in time")
    houses.end(orderly=False)
    houses.streams.skip_to(houses.streams.position)
    service.down = False
    house = houses.open()
    house.wait(1000)
    assert house.said == [*(f"left {number}" for number in range(120)), "in time"]
    house.say(houses.client(alice), came, "again")
    assert house.said[-1] == "again"


def test_a_new_bridge_is_not_told_of_the_past(tmp_path: Path) -> None:
    houses = Houses(tmp_path)
    house = houses.house
    alice, ghost = house.server.user("alice"), house.ghost("bob")
    room = house.room(alice, ghost)
    house.say(alice, room, "one")
    house.wait()
    houses.end(orderly=True)
    house.say(alice, room, "while there was none")
    house.server.run(make_server(tmp_path, database=houses.database, streams=houses.streams).server.take_up())
    houses.service.asked.clear()
    house = houses.open()
    house.wait()
    assert houses.service.asked == []
    house.say(houses.client(alice), room, "two")
    assert house.said == ["two"]
