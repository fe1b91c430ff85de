"""No push is missed: not over an orderly end, not over a crash, not when nobody was there for a while."""

from pathlib import Path

import pytest

from homeserver.push.pushers.line import Line
from homeserver.streams import Streams
from tests.push.pushers.house import House
from tests.support.client import Client, run
from tests.support.storage import open_memory_database


class Houses:
    """One database, and the servers that come and go over it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.streams = Streams()
        self.database = run(open_memory_database(self.streams))
        self.house = House(folder, self.database, self.streams)
        self.told: list[str] = []

    def end(self, *, orderly: bool) -> None:
        reader = self.house.server.server._parts.pushing.reader
        if orderly:
            self.house.server.run(reader.stop())
        else:
            reader._background.stopped = True
            for line in (line for lines in reader._lines.values() for line in lines.values()):
                assert isinstance(line, Line)
                self.house.server.run(line.stop())
        self.told += self.house.gateway.event_ids

    def begin(self) -> None:
        """Another server, at the same time of day."""
        clock = self.house.server.clock
        self.house = House(self.folder, self.database, self.streams, seed=len(self.told) + 1, start=False)
        self.house.server.clock.set_wall_ms(clock.now_ms())
        self.house.server.run(self.house.server.server._parts.pushing.reader.start())

    def client(self, other: Client) -> Client:
        return self.house.server.client.with_token(other.token)


@pytest.mark.parametrize("orderly", [True, False])
def test_what_waited_is_told_by_the_next(tmp_path: Path, orderly: bool) -> None:
    houses = Houses(tmp_path)
    alice, bob, room = houses.house.friends()
    houses.house.push(bob)
    sent = [houses.house.say(alice, room)]
    houses.house.gateway.status = 503
    sent += [houses.house.say(alice, room) for _ in range(3)]
    houses.end(orderly=orderly)
    houses.begin()
    houses.house.wait(10)
    sent.append(houses.house.say(houses.client(alice), room, "later"))
    houses.house.wait(10)
    houses.end(orderly=True)
    assert houses.told == sent


@pytest.mark.parametrize("orderly", [True, False])
def test_what_was_said_while_nobody_pushed(tmp_path: Path, orderly: bool) -> None:
    houses = Houses(tmp_path)
    alice, bob, room = houses.house.friends()
    houses.house.push(bob)
    sent = [houses.house.say(alice, room)]
    houses.end(orderly=orderly)
    sent += [houses.house.say(alice, room) for _ in range(250)]
    houses.begin()
    houses.house.wait(10)
    houses.end(orderly=True)
    assert houses.told == sent


def test_one_that_is_behind_does_not_hold_the_others(tmp_path: Path) -> None:
    houses = Houses(tmp_path)
    alice, bob, room = houses.house.friends()
    houses.house.push(bob, "slow", data={"url": "https://slow.example.org/_matrix/push/v1/notify"})
    houses.house.push(bob, "quick")
    houses.house.gateway.silent = {"slow."}
    sent = [houses.house.say(alice, room) for _ in range(3)]
    assert houses.house.gateway.event_ids == sent
    houses.end(orderly=True)
    houses.begin()
    houses.house.wait(10)
    assert [told["devices"][0]["pushkey"] for told in houses.house.gateway.told] == ["slow"] * 3  # the quick one was told before
    houses.end(orderly=True)
    houses.begin()
    houses.house.wait(10)
    assert houses.house.gateway.told == []
