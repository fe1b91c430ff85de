"""What services that encrypt are told: messages to devices (MSC4203), whose keys changed and how many are left (MSC3202)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storage.database import StorageUnavailable
from tests.appservices.house import House
from tests.encryption.crypto import Device
from tests.support.client import Client
from tests.support.rooms import path

TO_DEVICE = "de.sorunome.msc2409.to_device"
COUNTS = "org.matrix.msc3202.device_one_time_keys_count"
FALLBACK = "org.matrix.msc3202.device_unused_fallback_key_types"
LISTS = "org.matrix.msc3202.device_lists"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, keys={"org.matrix.msc3202": True})
    yield house
    house.stop()


def device(house: House, name: str) -> dict[str, str]:
    ghost = house.ghost(name)
    house.server.run(house.bridge.put(path("devices", "D"), {}, query=ghost))
    return {**ghost, "device_id": "D"}


def send(house: House, client: Client, txn_id: str, user_id: str, text: str) -> None:
    house.ok(client.put(path("sendToDevice", "m.test", txn_id), {"messages": {user_id: {"*": {"text": text}}}}))


def test_messages_to_devices_arrive_once_and_go(house: House) -> None:
    alice, ghost = house.server.user("alice"), device(house, "bob")
    send(house, alice, "1", ghost["user_id"], "one")
    send(house, alice, "2", "@alice:test", "not its own")
    house.wait()
    (letters,) = house.service.told(TO_DEVICE)
    assert letters == [
        {"to_user_id": "@_irc_bob:test", "to_device_id": "D", "sender": "@alice:test", "type": "m.test", "content": {"text": "one"}}
    ]
    send(house, alice, "3", ghost["user_id"], "two")
    house.wait()
    assert [letter["content"]["text"] for letters in house.service.told(TO_DEVICE) for letter in letters] == ["one", "two"]
    sync = house.ok(house.bridge.get(path("sync"), ghost))
    assert "to_device" not in sync or sync["to_device"]["events"] == []


def test_messages_wait_while_the_bridge_is_away(house: House) -> None:
    alice, ghost = house.server.user("alice"), device(house, "bob")
    house.service.down = True
    for number in range(150):
        send(house, alice, str(number), ghost["user_id"], str(number))
    house.wait(100)
    house.service.down = False
    house.wait(700)
    texts = [letter["content"]["text"] for letters in house.service.told(TO_DEVICE) for letter in letters]
    assert texts == [str(number) for number in range(150)]


def test_key_counts(house: House) -> None:
    alice, ghost = house.server.user("alice"), device(house, "bob")
    known = Device(house.bridge, ghost["user_id"], "D")
    keys, fallback = known.one_time("1", "2", "3"), known.one_time("f", fallback=True)
    body = {"device_keys": known.device_keys(), "one_time_keys": keys, "fallback_keys": fallback}
    house.ok(house.bridge.post(path("keys", "upload"), body, query=ghost))
    house.wait()
    assert house.service.told(COUNTS)[-1] == {"@_irc_bob:test": {"D": {"signed_curve25519": 3}}}
    assert house.service.told(FALLBACK)[-1] == {"@_irc_bob:test": {"D": ["signed_curve25519"]}}
    house.ok(alice.post(path("keys", "claim"), {"one_time_keys": {"@_irc_bob:test": {"D": "signed_curve25519"}}}))
    house.wait()
    assert house.service.told(COUNTS)[-1] == {"@_irc_bob:test": {"D": {"signed_curve25519": 2}}}


def test_whose_keys_changed(house: House) -> None:
    alice, carol, ghost = house.server.user("alice"), house.server.user("carol"), house.ghost("bob")
    house.room(alice, ghost)
    for client, name in ((alice, "alice"), (carol, "carol")):
        device_id = house.ok(client.get(path("account", "whoami")))["device_id"]
        house.ok(client.post(path("keys", "upload"), {"device_keys": Device(client, f"@{name}:test", device_id).device_keys()}))
    house.wait()
    assert [changed["changed"] for changed in house.service.told(LISTS)] == [["@alice:test"]]


@pytest.mark.parametrize("is_long_ago", [False, True])
def test_nothing_is_lost_when_the_database_fails(house: House, monkeypatch: pytest.MonkeyPatch, is_long_ago: bool) -> None:
    """Neither what happened before its user left, nor whose keys changed."""
    alice, ghost = house.server.user("alice"), house.ghost("bob")
    room, means = house.room(alice, ghost), house.line._means
    house.wait()
    house.service.down = True
    house.say(alice, room, "zero")
    house.wait(0.1)
    house.say(alice, room, "one")
    device_id = house.ok(alice.get(path("account", "whoami")))["device_id"]
    house.ok(alice.post(path("keys", "upload"), {"device_keys": Device(alice, "@alice:test", device_id).device_keys()}))
    if not is_long_ago:  # else she is no longer met
        house.ok(house.bridge.post(path("rooms", room, "leave"), {}, query=ghost))
    begin, failures = means.store.begin, 0

    async def fail_once(*what: Any) -> None:
        nonlocal failures
        failures += 1
        if failures == 1:
            raise StorageUnavailable
        await begin(*what)

    monkeypatch.setattr(means.store, "begin", fail_once)
    if is_long_ago:
        monkeypatch.setattr(means.streams, "recent", lambda _since: None)
    house.service.down = False
    house.wait(60)
    assert failures > 1
    assert house.said == ["zero", "one"]
    told = [lists["changed"] + lists["left"] for lists in house.service.told(LISTS)]
    assert told == [["@alice:test"]]


@pytest.mark.parametrize("away", [False, True])
def test_whose_devices_are_of_interest_no_longer(house: House, away: bool) -> None:
    """Whoever shares no room with its users any more, as it learns in time or later."""
    alice, carol, dora = (house.server.user(name) for name in ("alice", "carol", "dora"))
    ghost = house.ghost("bob")
    first, second = house.room(alice, ghost), house.room(alice, ghost)
    for client, room_id in ((carol, first), (dora, first), (carol, second)):
        house.join(client, room_id)
    house.wait()
    assert house.service.told(LISTS) == []
    house.service.down = away
    house.ok(carol.post(path("rooms", first, "leave")))  # she is in the second
    house.ok(dora.post(path("rooms", first, "leave")))
    house.wait()
    house.ok(house.bridge.post(path("rooms", second, "leave"), {}, query=ghost))
    house.service.down = False
    house.wait(700)
    left = [user_id for lists in house.service.told(LISTS) for user_id in lists["left"]]
    assert sorted(set(left)) == ["@carol:test", "@dora:test"]
    house.ok(house.bridge.post(path("rooms", first, "leave"), {}, query=ghost))
    house.wait()
    assert house.service.told(LISTS)[-1] == {"changed": [], "left": ["@alice:test"]}


def test_who_did_not_ask_is_not_told(tmp_path: Path) -> None:
    house = House(tmp_path)
    alice, ghost = house.server.user("alice"), device(house, "bob")
    house.room(alice, ghost)
    send(house, alice, "1", ghost["user_id"], "one")
    house.wait()
    assert house.service.told(TO_DEVICE) == []
    assert len(house.ok(house.bridge.get(path("sync"), ghost))["to_device"]["events"]) == 1
    house.stop()
