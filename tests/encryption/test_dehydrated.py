"""Dehydrated devices through the whole server."""

from pathlib import Path
from typing import Any

import pytest

from tests.encryption.crypto import V3, Device
from tests.encryption.house import House
from tests.encryption.test_device_lists import lists
from tests.encryption.test_to_device import send

DEVICE = "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device"
DATA = {"algorithm": "org.matrix.msc3814.v2", "device_pickle": "x", "nonce": "y"}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def body(person: Device, device_id: str) -> dict[str, Any]:
    device = Device(person.client, person.user_id, device_id)
    return {
        "device_id": device_id,
        "device_data": DATA,
        "initial_device_display_name": "Asleep",
        "device_keys": device.device_keys(),
        "one_time_keys": device.one_time("a"),
        "fallback_keys": device.one_time("f", fallback=True),
    }


def read_on(house: House, person: Device, **query: Any) -> list[int]:
    """As clients do by now: until no token comes along."""
    got: list[int] = []
    while True:
        answer = house.ok(person.client.get(f"{DEVICE}/SLEEPER/events", query))
        got += [event["content"]["n"] for event in answer["events"]]
        if "next_batch" not in answer:
            return got
        query = {**query, "from": answer["next_batch"]}


def test_it_receives_keys_until_it_is_replaced(house: House) -> None:
    alice, bob = house.person("alice"), house.person("bob")
    house.room(alice, bob)
    token = house.sync(bob)["next_batch"]
    assert house.run(alice.client.get(DEVICE))[0] == 404
    assert house.ok(alice.client.put(DEVICE, body(alice, "SLEEPER"))) == {"device_id": "SLEEPER"}
    assert house.ok(alice.client.get(DEVICE)) == {"device_id": "SLEEPER", "device_data": DATA}
    assert lists(house.sync(bob, token)) == ([alice.user_id], [])
    assert list(house.query(bob, alice.user_id)["device_keys"][alice.user_id]) == ["SLEEPER"]
    sleeper = Device(alice.client, alice.user_id, "SLEEPER")
    assert house.claim(bob, sleeper) == sleeper.one_time("a")
    for number in range(130):
        send(house, bob, str(number), {alice.user_id: {"SLEEPER": {"n": number}}})
    got: list[int] = []
    more: dict[str, Any] = {}
    for size in (100, 30, 0):
        answer = house.ok(alice.client.post(f"{DEVICE}/SLEEPER/events", more))
        assert len(answer["events"]) == size
        got += [event["content"]["n"] for event in answer["events"]]
        more = {"next_batch": answer["next_batch"]}
    assert got == list(range(130))
    assert read_on(house, alice) == read_on(house, alice, limit=7) == list(range(130))
    assert len(house.ok(alice.client.post(f"{DEVICE}/SLEEPER/events"))["events"]) == 100
    house.ok(alice.client.put(DEVICE, body(alice, "SECOND")))
    assert list(house.query(bob, alice.user_id)["device_keys"][alice.user_id]) == ["SECOND"]
    assert house.run(alice.client.post(f"{DEVICE}/SLEEPER/events"))[0] == 403
    assert house.ok(alice.client.post(f"{DEVICE}/SECOND/events"))["events"] == []
    house.ok(alice.client.put(DEVICE, body(alice, "SECOND")))  # once more
    assert house.ok(alice.client.delete(DEVICE)) == {"device_id": "SECOND"}
    assert house.run(alice.client.delete(DEVICE))[0] == 404
    assert house.query(bob, alice.user_id)["device_keys"][alice.user_id] == {}
    assert [device["device_id"] for device in house.ok(alice.client.get(f"{V3}/devices"))["devices"]] == ["PHONE"]


def test_wrong_ones_are_refused(house: House) -> None:
    alice = house.person("alice")
    good = body(alice, "SLEEPER")
    for wrong in (
        *({name: value for name, value in good.items() if name != gone} for gone in ("device_id", "device_data", "device_keys")),
        {**good, "device_id": 5},
        {**good, "device_id": "OTHER"},
        {**good, "device_data": "x"},
        {**good, "one_time_keys": []},
        {**good, "one_time_keys": {"x": 1}},
        {**good, "initial_device_display_name": 1},
        body(alice, "PHONE"),
    ):
        assert house.run(alice.client.put(DEVICE, wrong))[0] == 400, wrong
    assert house.run(alice.client.get(DEVICE))[0] == 404
    house.ok(alice.client.put(DEVICE, good))
    for wrong in ({"next_batch": 1}, {"next_batch": "x"}):
        assert house.run(alice.client.post(f"{DEVICE}/SLEEPER/events", wrong))[0] == 400
    for query in ({"from": "x"}, {"limit": 0}, {"limit": "x"}):
        assert house.run(alice.client.get(f"{DEVICE}/SLEEPER/events", query))[0] == 400
