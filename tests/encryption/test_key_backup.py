"""Key backups through the whole server."""

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from tests.encryption.crypto import V3, Device
from tests.encryption.house import House

VERSION, KEYS = f"{V3}/room_keys/version", f"{V3}/room_keys/keys"
ROOM, OTHER = "!room:test", "!other:test"
DESCRIPTION = {"algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "auth_data": {"public_key": "x"}}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def key(index: int = 1, forwarded: int = 0, verified: bool = False, data: str = "x") -> dict[str, Any]:
    return {"first_message_index": index, "forwarded_count": forwarded, "is_verified": verified, "session_data": {"ciphertext": data}}


def create(house: House, person: Device) -> str:
    version: str = house.ok(person.client.post(VERSION, DESCRIPTION))["version"]
    return version


def errcode(house: House, coroutine: Any) -> tuple[int, str]:
    status, answer = house.run(coroutine)
    return status, answer.get("errcode")


def test_versions_come_and_go(house: House) -> None:
    client = house.person("alice").client
    assert errcode(house, client.get(VERSION)) == (404, "M_NOT_FOUND")
    first = house.ok(client.post(VERSION, DESCRIPTION))["version"]
    second = house.ok(client.post(VERSION, {**DESCRIPTION, "auth_data": {"n": 2}}))["version"]
    assert house.ok(client.get(VERSION)) == {**DESCRIPTION, "auth_data": {"n": 2}, "version": second, "count": 0, "etag": "0"}
    house.ok(client.put(f"{VERSION}/{first}", {**DESCRIPTION, "auth_data": {"n": 3}, "version": first}))
    assert house.ok(client.get(f"{VERSION}/{first}"))["auth_data"] == {"n": 3}
    for _ in range(2):  # deleting again is no error
        house.ok(client.delete(f"{VERSION}/{second}"))
    assert errcode(house, client.get(f"{VERSION}/{second}")) == (404, "M_NOT_FOUND")
    assert house.ok(client.get(VERSION))["version"] == first
    assert house.ok(client.post(VERSION, DESCRIPTION))["version"] not in (first, second)
    for version in ("99", "x", "-1", "9" * 30):
        assert errcode(house, client.delete(f"{VERSION}/{version}")) == (404, "M_NOT_FOUND")
        assert errcode(house, client.get(f"{VERSION}/{version}")) == (404, "M_NOT_FOUND")
        assert errcode(house, client.put(f"{VERSION}/{version}", DESCRIPTION)) == (404, "M_NOT_FOUND")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "M_MISSING_PARAM"),
        ({"algorithm": 1, "auth_data": {}}, "M_BAD_JSON"),
        ({"algorithm": "x", "auth_data": []}, "M_BAD_JSON"),
    ],
)
def test_bad_versions_are_refused(house: House, body: dict[str, Any], code: str) -> None:
    client = house.person("alice").client
    assert errcode(house, client.post(VERSION, body)) == (400, code)


def test_an_update_must_fit(house: House) -> None:
    alice = house.person("alice")
    version = create(house, alice)
    for body in ({**DESCRIPTION, "algorithm": "other"}, {**DESCRIPTION, "version": "77"}):
        assert errcode(house, alice.client.put(f"{VERSION}/{version}", body)) == (400, "M_INVALID_PARAM")


def test_keys_are_put_and_read_one_by_room_and_all(house: House) -> None:
    alice, bob = house.person("alice"), house.person("bob")
    client, query = alice.client, {"version": create(house, alice)}
    assert house.ok(client.get(KEYS, query)) == {"rooms": {}}
    assert house.ok(client.get(f"{KEYS}/{ROOM}", query)) == {"sessions": {}}
    assert house.ok(client.put(f"{KEYS}/{ROOM}/a", key(1), query)) == {"count": 1, "etag": "1"}
    assert house.ok(client.put(f"{KEYS}/{ROOM}", {"sessions": {"b": key(2), "c": key(3)}}, query)) == {"count": 3, "etag": "2"}
    rooms = {ROOM: {"sessions": {"a": key(9)}}, OTHER: {"sessions": {"d%2F": key(4)}}}
    assert house.ok(client.put(KEYS, {"rooms": rooms}, query)) == {"count": 4, "etag": "3"}
    assert house.ok(client.get(f"{KEYS}/{ROOM}/a", query)) == key(1)
    assert house.ok(client.get(f"{KEYS}/{OTHER}/d%252F", query)) == key(4)
    of_room = {"sessions": {"a": key(1), "b": key(2), "c": key(3)}}
    assert house.ok(client.get(f"{KEYS}/{ROOM}", query)) == of_room
    assert house.ok(client.get(KEYS, query)) == {"rooms": {ROOM: of_room, OTHER: {"sessions": {"d%2F": key(4)}}}}
    create(house, bob)
    assert house.ok(bob.client.get(KEYS, query)) == {"rooms": {}}
    assert errcode(house, client.get(f"{KEYS}/{ROOM}/z", query)) == (404, "M_NOT_FOUND")
    assert house.ok(client.get(VERSION))["count"] == 4


def test_keys_are_deleted_one_by_room_and_all(house: House) -> None:
    alice = house.person("alice")
    client, query = alice.client, {"version": create(house, alice)}
    rooms = {ROOM: {"sessions": {"a": key(), "b": key(), "c": key()}}, OTHER: {"sessions": {"d": key()}}}
    house.ok(client.put(KEYS, {"rooms": rooms}, query))
    assert house.ok(client.delete(f"{KEYS}/{ROOM}/a", query=query)) == {"count": 3, "etag": "2"}
    assert house.ok(client.delete(f"{KEYS}/{ROOM}/a", query=query)) == {"count": 3, "etag": "2"}
    assert house.ok(client.delete(f"{KEYS}/{ROOM}", query=query)) == {"count": 1, "etag": "3"}
    assert house.ok(client.delete(KEYS, query=query)) == {"count": 0, "etag": "4"}
    assert house.ok(client.get(KEYS, query)) == {"rooms": {}}


def test_the_better_key_stays_in_whatever_order_they_come(house: House) -> None:
    alice = house.person("alice")
    query = {"version": create(house, alice)}
    ranked = [key(5, 5, True), key(1, 1), key(1, 2), key(2, 0)]
    for number, order in enumerate(permutations(ranked)):
        for one in order:
            house.ok(alice.client.put(f"{KEYS}/{ROOM}/s{number}", one, query))
        assert house.ok(alice.client.get(f"{KEYS}/{ROOM}/s{number}", query)) == ranked[0]
    before = house.ok(alice.client.put(f"{KEYS}/{ROOM}/s", key(data="first"), query))
    assert house.ok(alice.client.put(f"{KEYS}/{ROOM}/s", key(data="second"), query)) == before
    assert house.ok(alice.client.get(f"{KEYS}/{ROOM}/s", query)) == key(data="first")


def test_only_the_last_version_takes_keys(house: House) -> None:
    alice = house.person("alice")
    assert errcode(house, alice.client.put(f"{KEYS}/{ROOM}/a", key(), {"version": "1"})) == (404, "M_NOT_FOUND")
    first, second = create(house, alice), create(house, alice)
    status, answer = house.run(alice.client.put(f"{KEYS}/{ROOM}/a", key(), {"version": first}))
    assert (status, answer["errcode"], answer["current_version"]) == (403, "M_WRONG_ROOM_KEYS_VERSION", second)
    for path in (KEYS, f"{KEYS}/{ROOM}", f"{KEYS}/{ROOM}/a"):
        assert errcode(house, alice.client.get(path)) == (400, "M_MISSING_PARAM")
        assert errcode(house, alice.client.get(path, {"version": "77"})) == (404, "M_NOT_FOUND")
        assert errcode(house, alice.client.delete(path, query={"version": "77"})) == (404, "M_NOT_FOUND")


def test_bad_keys_are_refused(house: House) -> None:
    alice = house.person("alice")
    query = {"version": create(house, alice)}
    lacking = [{name: value for name, value in key().items() if name != gone} for gone in key()]
    wrong = [
        {**key(), "first_message_index": "1"},
        {**key(), "first_message_index": -1},
        {**key(), "forwarded_count": True},
        {**key(), "is_verified": 1},
        {**key(), "session_data": "x"},
    ]
    for body in (*lacking, *wrong):
        assert house.run(alice.client.put(f"{KEYS}/{ROOM}/a", body, query))[0] == 400, body
    for body in ({}, {"rooms": []}, {"rooms": {ROOM: []}}, {"rooms": {ROOM: {}}}, {"rooms": {ROOM: {"sessions": {"a": 1}}}}):
        assert house.run(alice.client.put(KEYS, body, query))[0] == 400, body
    assert house.ok(alice.client.get(VERSION))["count"] == 0
