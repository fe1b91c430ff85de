"""Whose devices a client has to look up: held to a model over generated joins, leaves and changes of keys."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from homeserver.encryption.recent_changes import RecentChanges
from tests.encryption.crypto import V3, Device
from tests.encryption.house import House
from tests.support.client import start


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def lists(answer: dict[str, Any]) -> tuple[list[str], list[str]]:
    found = answer.get("device_lists", {"changed": [], "left": []})
    return sorted(found["changed"]), sorted(found["left"])


class World:
    """A few people who come and go and log in and out, and what each of them has to be told."""

    def __init__(self, house: House, seed: int) -> None:
        self.house = house
        self.random = Random(seed)
        self.people = [house.person(f"u{number}") for number in range(4)]
        self.further: dict[str, Device] = {}
        owner = house.person("owner")
        self.rooms = [house.room(owner) for _ in range(3)]
        self.members: dict[str, set[str]] = {room: {owner.user_id} for room in self.rooms}
        self.seen: dict[str, tuple[str, frozenset[str], set[str]]] = {}  # token, who shared a room then, whose keys changed since
        self.changes: list[str] = []  # whose keys changed, one after another
        self.moments: dict[str, list[tuple[str, frozenset[str], int]]] = {}  # token, who shared a room then, how many changes before
        for person in self.people:
            self.note(person, house.sync(person)["next_batch"])

    def mates(self, user_id: str) -> frozenset[str]:
        """And the user, where he is in a room at all."""
        rooms = [members for members in self.members.values() if user_id in members]
        return frozenset().union(*rooms)

    def note(self, person: Device, token: str) -> None:
        mates = self.mates(person.user_id)
        self.seen[person.user_id] = (token, mates, set())
        self.moments.setdefault(person.user_id, []).append((token, mates, len(self.changes)))

    def step(self) -> None:
        person, room = self.random.choice(self.people), self.random.choice(self.rooms)
        action = self.random.choice(("move", "move", "move", "keys", "device", "name"))
        if action == "move" and person.user_id in self.members[room]:
            self.house.leave(person, room)
            self.members[room].remove(person.user_id)
        elif action == "move":
            self.house.join(person, room)
            self.members[room].add(person.user_id)
        elif action == "keys":
            changed = Device(person.client, person.user_id, person.device_id, salt=str(self.random.random()))
            self.house.upload(changed)
            self.keys_changed(person)
        elif action == "device" and (other := self.further.pop(person.user_id, None)) is not None:
            self.house.ok(other.client.post(f"{V3}/logout"))
            self.keys_changed(person)
        elif action == "device":
            other = self.further[person.user_id] = self.house.another(person, "OTHER")
            self.house.upload(other)
            self.keys_changed(person)
        else:
            self.house.ok(person.client.put(f"{V3}/profile/{person.user_id}/displayname", {"displayname": str(self.random.random())}))

    def keys_changed(self, person: Device) -> None:
        self.changes.append(person.user_id)
        for _, _, keys in self.seen.values():
            keys.add(person.user_id)

    def check(self, person: Device) -> None:
        token, then, keys = self.seen[person.user_id]
        answer = self.house.sync(person, token)
        now = self.mates(person.user_id)
        changed = (keys & (now | {person.user_id})) | (now - then)
        truth = (sorted(changed), sorted(then - now - {person.user_id}))
        assert lists(answer) == truth
        query = {"from": token, "to": answer["next_batch"]}
        assert lists({"device_lists": self.house.ok(person.client.get(f"{V3}/keys/changes", query))}) == truth
        self.note(person, answer["next_batch"])

    def look_back(self, person: Device) -> None:
        """Between any two moments; keys that changed after both may be told as well."""
        for number, (since, then, first) in enumerate(self.moments[person.user_id]):
            for until, now, last in self.moments[person.user_id][number:]:
                answer = self.house.ok(person.client.get(f"{V3}/keys/changes", {"from": since, "to": until}))
                near = now | {person.user_id}
                truth = (set(self.changes[first:last]) & near) | (now - then)
                assert truth <= set(answer["changed"]) <= truth | (set(self.changes[last:]) & near)
                assert len(answer["changed"]) == len(set(answer["changed"]))
                assert sorted(answer["left"]) == sorted(then - now - {person.user_id})


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("from_store", [False, True])
def test_what_is_told_is_what_a_model_says(house: House, monkeypatch: pytest.MonkeyPatch, seed: int, from_store: bool) -> None:
    if from_store:
        monkeypatch.setattr(RecentChanges, "since", lambda self, position: None)
    world = World(house, seed)
    for _ in range(60):
        world.step()
        if world.random.random() < 0.5:
            world.check(world.random.choice(world.people))
    for person in world.people:
        world.check(person)
        world.look_back(person)


def test_who_comes_into_a_room_shares_one_with_himself(house: House) -> None:
    """His other devices are told apart from those of the rest by nobody who encrypts for the room."""
    alice, bob = house.person("alice"), house.person("bob")
    room, second = house.room(alice), house.room(alice)
    house.upload(bob)
    token = house.sync(bob)["next_batch"]
    house.join(bob, room)
    answer = house.sync(bob, token)
    assert lists(answer) == ([alice.user_id, bob.user_id], [])
    house.join(bob, second)
    assert lists(house.sync(bob, answer["next_batch"])) == ([], [])
    for each in (room, second):
        house.leave(bob, each)
    assert lists(house.sync(bob, answer["next_batch"])) == ([], [alice.user_id])


def test_a_waiting_sync_hears_of_new_keys_of_those_it_shares_a_room_with(house: House) -> None:
    alice, bob, carol = (house.person(name) for name in ("alice", "bob", "carol"))
    house.room(alice, bob)
    waiting = {}
    for person in (alice, bob, carol):
        token = house.sync(person)["next_batch"]
        waiting[person.user_id] = start(person.client.get(f"{V3}/sync", {"since": token, "timeout": 30_000}))
    house.upload(bob)
    house.server.clock.advance(1)
    assert [waiting[person.user_id].called for person in (alice, bob, carol)] == [True, True, False]
    house.server.clock.advance(31)


def test_the_same_keys_again_are_no_news(house: House) -> None:
    alice, bob = house.person("alice"), house.person("bob")
    house.room(alice, bob)
    house.upload(bob)
    token = house.sync(alice)["next_batch"]
    house.upload(bob)
    house.upload(bob, one_time_keys=bob.one_time("a"))
    house.another(bob, "NO_KEYS")
    assert lists(house.sync(alice, token)) == ([], [])


def test_a_renamed_device_is_news(house: House) -> None:
    alice, bob = house.person("alice"), house.person("bob")
    house.room(alice, bob)
    house.upload(bob)
    token = house.sync(alice)["next_batch"]
    house.ok(bob.client.put(f"{V3}/devices/PHONE", {"display_name": "new"}))
    assert lists(house.sync(alice, token)) == ([bob.user_id], [])


def test_a_first_sync_tells_no_changes(house: House) -> None:
    alice, bob = house.person("alice"), house.person("bob")
    house.room(alice, bob)
    house.upload(bob)
    assert "device_lists" not in house.sync(alice)


def test_a_sync_does_not_look_where_nothing_changed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = house.person("alice")
    room = house.room(alice)
    token = house.sync(alice)["next_batch"]
    asked: list[int] = []
    monkeypatch.setattr(RecentChanges, "since", lambda self, position: asked.append(position))
    house.ok(alice.client.put(f"{V3}/rooms/{room}/send/m.room.message/1", {"body": "x", "msgtype": "m.text"}))
    assert "rooms" in house.sync(alice, token)
    assert asked == []
