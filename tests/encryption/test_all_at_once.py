"""Clients that follow device lists and messages all the time, while everything happens at once on a slow disk."""

from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tests.encryption.crypto import V3, Device
from tests.encryption.house import House
from tests.support.client import start
from tests.support.places import slowly


class Follower:
    """A client that knows the keys of those it shares a room with."""

    def __init__(self, device: Device, token: str) -> None:
        self.device = device
        self.token = token
        self.known: dict[str, Any] = {}
        self.letters: list[int] = []

    async def follow(self, is_over: Callable[[], bool]) -> None:
        while not is_over():
            await self.read(300)

    async def read(self, wait_ms: int) -> None:
        client = self.device.client
        status, answer = await client.get(f"{V3}/sync", {"since": self.token, "timeout": wait_ms})
        assert status == 200, answer
        self.token = answer["next_batch"]
        self.letters += [event["content"]["n"] for event in answer.get("to_device", {}).get("events", [])]
        told = answer.get("device_lists", {"changed": [], "left": []})
        for user_id in told["left"]:
            self.known.pop(user_id, None)
        if told["changed"]:
            body: dict[str, Any] = {"device_keys": {user_id: [] for user_id in told["changed"]}}
            status, found = await client.post(f"{V3}/keys/query", body)
            assert status == 200, found
            self.known.update(found["device_keys"])


async def act(random: Random, person: Device, room: str, number: int) -> None:
    """Come, go, or have new keys."""
    action = random.choice(("join", "leave", "keys"))
    if action == "join":
        await person.client.post(f"{V3}/join/{room}")
    elif action == "leave":
        await person.client.post(f"{V3}/rooms/{room}/leave")
    else:
        device = Device(person.client, person.user_id, person.device_id, salt=str(number))
        await person.client.post(f"{V3}/keys/upload", {"device_keys": device.device_keys()})


def settle(house: House, tasks: Iterable[Deferred[Any]]) -> None:
    """Let time pass until they are all done."""
    for task in tasks:
        while not task.called:
            house.server.clock.advance(0.05)


@pytest.mark.parametrize("seed", range(700, 706))
def test_everybody_knows_the_keys_of_those_they_meet(tmp_path: Path, seed: int) -> None:
    house = House(tmp_path)
    (tmp_path / "slow").mkdir()
    house.server = slowly(tmp_path / "slow", seed=seed)
    house.run, house.ok = house.server.run, house.server.ok
    random = Random(seed)
    people = [house.person(f"u{number}") for number in range(4)]
    rooms = [house.room(people[0]) for _ in range(2)]
    followers = [Follower(person, house.sync(person)["next_batch"]) for person in people]
    over = False
    tasks: list[Deferred[None]] = [start(follower.follow(lambda: over)) for follower in followers]
    running: list[Deferred[Any]] = []
    for number in range(80):
        person, room = random.choice(people[1:]), random.choice(rooms)
        letter = {"messages": {people[0].user_id: {"*": {"n": number}}}}
        running += [start(act(random, person, room, number)), start(person.client.put(f"{V3}/sendToDevice/m.test/{number}", letter))]
        house.server.clock.advance(random.random() / 10)
    settle(house, running)
    over = True
    settle(house, tasks)
    assert [task.result for task in tasks] == [None] * len(tasks)
    for follower in followers:
        house.run(follower.read(0))
        user_id = follower.device.user_id
        mates = {
            other
            for room in rooms
            if user_id in (joined := house.ok(people[0].client.get(f"{V3}/rooms/{room}/joined_members"))["joined"])
            for other in joined
        } - {user_id}
        assert set(follower.known) - {user_id} == mates
        assert {other: follower.known[other] for other in mates} == house.query(follower.device, *mates)["device_keys"]
    assert sorted(followers[0].letters) == list(range(80))
