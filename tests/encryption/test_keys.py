"""Device keys, one-time keys and fallback keys through the whole server."""

from pathlib import Path
from typing import Any

import pytest

from tests.encryption.crypto import V3, Device
from tests.encryption.house import House
from tests.support.client import start


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_keys_are_shown_as_they_were_uploaded_with_the_name_of_the_device(house: House) -> None:
    alice, bob = house.person("alice"), house.person("bob")
    assert house.upload(alice, one_time_keys=alice.one_time("a", "b")) == {"signed_curve25519": 2}
    house.ok(alice.client.put(f"{V3}/devices/PHONE", {"display_name": "My phone"}))
    answer = house.query(bob, alice.user_id, bob.user_id)
    assert answer["device_keys"] == {
        alice.user_id: {"PHONE": {**alice.device_keys(), "unsigned": {"device_display_name": "My phone"}}},
        bob.user_id: {},
    }
    assert answer["failures"] == {}


def test_named_devices_alone_are_shown(house: House) -> None:
    alice = house.person("alice")
    laptop = house.another(alice, "LAPTOP")
    house.upload(alice)
    house.upload(laptop)
    wanted = {alice.user_id: ["LAPTOP", "NONE"]}
    assert list(house.ok(alice.client.post(f"{V3}/keys/query", {"device_keys": wanted}))["device_keys"][alice.user_id]) == ["LAPTOP"]


def test_other_servers_are_failures(house: House) -> None:
    alice = house.person("alice")
    assert list(house.query(alice, "@a:elsewhere")["failures"]) == ["elsewhere"]
    claim = {"one_time_keys": {"@a:elsewhere": {"X": "signed_curve25519"}}}
    assert list(house.ok(alice.client.post(f"{V3}/keys/claim", claim))["failures"]) == ["elsewhere"]


def test_keys_are_given_out_once_and_in_the_order_of_upload(house: House) -> None:
    alice, bob = house.person("alice"), house.person("bob")
    house.upload(alice, one_time_keys=alice.one_time("z"))
    house.upload(alice, one_time_keys=alice.one_time("y"))
    house.upload(alice, one_time_keys=alice.one_time("x", "w"))
    given = [next(iter(house.claim(bob, alice))) for _ in range(4)]
    assert given[:2] == ["signed_curve25519:z", "signed_curve25519:y"]
    assert sorted(given[2:]) == ["signed_curve25519:w", "signed_curve25519:x"]
    assert house.claim(bob, alice) is None


def test_an_algorithm_is_not_mistaken_for_another(house: House) -> None:
    alice = house.person("alice")
    house.upload(alice, one_time_keys={**alice.one_time("a"), "curve25519:a": "base64"})
    assert house.claim(alice, alice, "curve25519") == {"curve25519:a": "base64"}
    assert house.claim(alice, alice, "curve25519") is None
    assert house.claim(alice, alice) == alice.one_time("a")


def test_fallback_keys_are_used_last_and_again_and_again(house: House) -> None:
    alice, bob = house.person("alice"), house.person("bob")
    fallback = alice.one_time("f", fallback=True)
    house.upload(alice, one_time_keys=alice.one_time("a"), fallback_keys=fallback)
    assert house.sync(alice)["device_unused_fallback_key_types"] == ["signed_curve25519"]
    assert house.claim(bob, alice) == alice.one_time("a")
    assert house.sync(alice)["device_unused_fallback_key_types"] == ["signed_curve25519"]
    assert house.claim(bob, alice) == fallback
    assert house.claim(bob, alice) == fallback
    assert house.sync(alice)["device_unused_fallback_key_types"] == []
    house.upload(alice, fallback_keys=fallback)  # the same again is as used as before
    assert house.sync(alice)["device_unused_fallback_key_types"] == []
    house.upload(alice, fallback_keys=alice.one_time("g", fallback=True))
    answer = house.sync(alice)
    assert answer["device_unused_fallback_key_types"] == ["signed_curve25519"]
    assert answer["org.matrix.msc2732.device_unused_fallback_key_types"] == ["signed_curve25519"]


def test_uploading_again_is_idempotent_and_never_replaces_a_one_time_key(house: House) -> None:
    alice = house.person("alice")
    keys = alice.one_time("a", "b")
    assert house.upload(alice, one_time_keys=keys) == house.upload(alice, one_time_keys=keys)
    other = {"signed_curve25519:a": keys["signed_curve25519:b"]}
    status, answer = house.run(alice.client.post(f"{V3}/keys/upload", {"one_time_keys": {**other, **alice.one_time("c")}}))
    assert (status, answer["errcode"]) == (400, "M_INVALID_PARAM")
    assert house.upload(alice) == {"signed_curve25519": 2}


def test_a_waiting_sync_is_told_that_keys_were_given_out(house: House) -> None:
    alice, bob = house.person("alice"), house.person("bob")
    house.upload(alice, one_time_keys=alice.one_time("a", "b"))
    first = house.sync(alice)
    assert first["device_one_time_keys_count"] == {"signed_curve25519": 2}
    waiting = start(alice.client.get(f"{V3}/sync", {"since": first["next_batch"], "timeout": 30_000}))
    house.server.clock.advance(1)
    assert not waiting.called
    house.claim(bob, alice)
    house.server.clock.advance(0.1)
    status, answer = house.run(_result(waiting))
    assert (status, answer["device_one_time_keys_count"]) == (200, {"signed_curve25519": 1})
    assert "rooms" not in answer
    assert house.sync(alice, answer["next_batch"], 1)["device_one_time_keys_count"] == {"signed_curve25519": 1}


async def _result(waiting: Any) -> Any:
    return await waiting


def test_keys_go_with_their_device(house: House) -> None:
    alice, bob = house.person("alice"), house.person("bob")
    laptop = house.another(alice, "LAPTOP")
    house.upload(alice)
    house.upload(laptop, one_time_keys=laptop.one_time("a"), fallback_keys=laptop.one_time("f", fallback=True))
    house.ok(laptop.client.post(f"{V3}/logout"))
    assert list(house.query(bob, alice.user_id)["device_keys"][alice.user_id]) == ["PHONE"]
    assert house.claim(bob, laptop) is None
    again = house.another(alice, "LAPTOP")
    assert house.upload(again) == {}


def malformed_device_keys(device: Device) -> dict[str, Any]:
    good = device.device_keys()
    lacking = {f"without {name}": {key: good[key] for key in good if key != name} for name in good}
    wrong = {
        "no object": 5,
        "a list": [],
        "another user": {**good, "user_id": "@other:test"},
        "another device": {**good, "device_id": "OTHER"},
        "algorithms as text": {**good, "algorithms": "m.olm"},
        "algorithms of numbers": {**good, "algorithms": [1]},
        "keys as a list": {**good, "keys": []},
        "no key": {**good, "keys": {}},
        "keys of numbers": {**good, "keys": {"ed25519:PHONE": 1}},
        "keys of another device": {**good, "keys": {"ed25519:OTHER": good["keys"]["ed25519:PHONE"]}},
        "keys without algorithm": {**good, "keys": {"PHONE": "x"}},
        "a short key": {**good, "keys": {"ed25519:PHONE": "AAAA"}},
        "no base64": {**good, "keys": {"ed25519:PHONE": "§§§"}},
        "signatures as text": {**good, "signatures": "x"},
        "signatures of numbers": {**good, "signatures": {"@alice:test": {"ed25519:PHONE": 1}}},
        "signatures by nobody": {**good, "signatures": {"alice": {}}},
        "a signature of something else": {**good, "algorithms": []},
        "a short signature": {**good, "signatures": {device.user_id: {device.key.key_id: "AAAA"}}},
        "a signature without its key": {**good, "keys": {key: text for key, text in good["keys"].items() if "curve" in key}},
        "a number without canonical form": {**good, "more": 2**60},
    }
    return {**lacking, **wrong}


def malformed(device: Device) -> dict[str, dict[str, Any]]:
    bodies: dict[str, dict[str, Any]] = {name: {"device_keys": keys} for name, keys in malformed_device_keys(device).items()}
    signed = device.one_time("a")["signed_curve25519:a"]
    for name, keys in {
        "one-time as list": [],
        "without algorithm": {"a": signed},
        "without key ID": {"signed_curve25519:": signed},
        "unsigned": {"signed_curve25519:a": {"key": "x"}},
        "text for a signed key": {"signed_curve25519:a": "x"},
        "a number": {"curve25519:a": 1},
        "no key in it": {"signed_curve25519:a": {"signatures": signed["signatures"]}},
        "a short one": {"signed_curve25519:a": {**signed, "key": "AAAA"}},
        "NUL in the name": {"curve25519:\0": "x"},
    }.items():
        bodies[name] = {"one_time_keys": keys}
        bodies[f"fallback: {name}"] = {"fallback_keys": keys}
    bodies["two fallback keys"] = {"fallback_keys": device.one_time("a", "b", fallback=True)}
    bodies["too large"] = {"one_time_keys": {"curve25519:a": "x" * 5_000}}
    bodies["too many"] = {"one_time_keys": {f"curve25519:{number}": "x" for number in range(1_001)}}
    return bodies


def test_malformed_keys_are_refused_and_break_nothing(house: House) -> None:
    alice, bob = house.person("alice"), house.person("bob")
    house.room(alice, bob)
    house.upload(alice, one_time_keys=alice.one_time("a"))
    tokens = [(person, house.sync(person)["next_batch"]) for person in (alice, bob)]
    for name, body in malformed(alice).items():
        status, answer = house.run(alice.client.post(f"{V3}/keys/upload", body))
        assert status in (400, 413), (name, status, answer)
        assert answer["errcode"] in ("M_BAD_JSON", "M_INVALID_PARAM", "M_INVALID_SIGNATURE", "M_TOO_LARGE"), name
    for person, token in tokens:
        for since in (None, token):
            answer = house.sync(person, since)
            assert "device_lists" not in answer
            assert answer["device_one_time_keys_count"] == {"signed_curve25519": 1 if person is alice else 0}
    assert house.query(bob, alice.user_id)["device_keys"][alice.user_id]["PHONE"]["keys"] == alice.device_keys()["keys"]
    assert house.claim(bob, alice) == alice.one_time("a")


def test_what_a_client_says_unsigned_is_not_told(house: House) -> None:
    alice = house.person("alice")
    keys = alice.device_keys()
    house.ok(alice.client.post(f"{V3}/keys/upload", {"device_keys": {**keys, "unsigned": {"device_display_name": "Bob's phone"}}}))
    assert house.query(alice, alice.user_id)["device_keys"][alice.user_id]["PHONE"] == {**keys, "unsigned": {}}


def test_keys_that_nobody_signed_are_taken(house: House) -> None:
    alice = house.person("alice")
    keys = {**alice.device_keys(), "signatures": {}}
    house.ok(alice.client.post(f"{V3}/keys/upload", {"device_keys": keys}))
    assert house.query(alice, alice.user_id)["device_keys"][alice.user_id]["PHONE"]["signatures"] == {}


@pytest.mark.parametrize("body", [{}, {"device_keys": []}, {"device_keys": {"alice": []}}, {"device_keys": {"@a:test": {}}}])
def test_bad_queries_are_refused(house: House, body: dict[str, Any]) -> None:
    alice = house.person("alice")
    status, answer = house.run(alice.client.post(f"{V3}/keys/query", body))
    assert (status, answer["errcode"]) == (400, "M_BAD_JSON")


@pytest.mark.parametrize("body", [{}, {"one_time_keys": []}, {"one_time_keys": {"@a:test": []}}, {"one_time_keys": {"@a:test": {"X": 1}}}])
def test_bad_claims_are_refused(house: House, body: dict[str, Any]) -> None:
    alice = house.person("alice")
    status, answer = house.run(alice.client.post(f"{V3}/keys/claim", body))
    assert (status, answer["errcode"]) == (400, "M_BAD_JSON")
