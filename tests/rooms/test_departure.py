"""The end of an account: every room is left, every invite refused, every knock withdrawn; what fails is done after the next start."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.client import Client
from tests.support.places import Failing, on_file, verified
from tests.support.rooms import create_room, join, member, path
from tests.support.server import TestServer

BOB = "@bob:test"


class World:
    """Bob is in two rooms, invited to a third, knocks at a fourth, and has left a fifth."""

    def __init__(self, directory: Path, observer: Failing) -> None:
        self.directory = directory
        self.server: TestServer = on_file(directory, observer=observer)
        self.alice, self.bob = self.server.user("alice"), self.server.user("bob")
        self.rooms = [create_room(self.server, self.alice, preset="public_chat") for _ in range(5)]
        for room in (*self.rooms[:2], self.rooms[4]):
            join(self.server, self.bob, room)
        member(self.server, self.alice, self.rooms[2], "invite", BOB)
        self.server.ok(self.alice.put(path("rooms", self.rooms[3], "state", "m.room.join_rules", ""), {"join_rule": "knock"}))
        self.server.ok(self.bob.post(path("knock", self.rooms[3])))
        self.server.ok(self.bob.post(path("rooms", self.rooms[4], "leave")))

    def deactivate(self, client: Client) -> None:
        auth = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "bob"}, "password": "secret secret"}
        status, answer = self.server.run(client.post(path("account", "deactivate"), {}))
        assert status == 401, answer
        self.server.ok(client.post(path("account", "deactivate"), {"auth": {**auth, "session": answer["session"]}}))

    def memberships(self) -> list[Any]:
        self.server.clock.advance(1)
        alice = self.server.client.with_token(self.alice.token)
        return [self.server.ok(alice.get(path("rooms", room, "state", "m.room.member", BOB)))["membership"] for room in self.rooms]


@pytest.fixture
def observer() -> Failing:
    return Failing()


@pytest.fixture
def world(tmp_path: Path, observer: Failing) -> World:
    return World(tmp_path, observer)


def test_everything_is_left(world: World) -> None:
    assert world.memberships() == ["join", "join", "invite", "knock", "leave"]
    world.deactivate(world.bob)
    assert world.memberships() == ["leave"] * 5
    verified(world.server, world.directory)


def test_what_could_not_be_stored_is_done_after_the_next_start(world: World, observer: Failing) -> None:
    departing: Any = world.server.server._parts.people.deactivation
    leave_all = departing._rooms.leave_all

    async def fail_then_leave(user_id: str) -> None:
        observer.next = 1
        await leave_all(user_id)

    departing._rooms.leave_all = fail_then_leave
    world.deactivate(world.bob)
    assert "join" in world.memberships()
    world.server.run(world.server.server.stop())
    world.server = on_file(world.directory, seed=3, clock=world.server.clock)
    world.server.run(world.server.server.take_up())
    assert world.memberships() == ["leave"] * 5
    verified(world.server, world.directory)
    world.server.run(world.server.server.stop())
