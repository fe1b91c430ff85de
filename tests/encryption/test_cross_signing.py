"""Cross-signing keys and signatures through the whole server."""

from pathlib import Path
from typing import Any

import pytest

from homeserver.protocol.signing import sign_json
from tests.encryption.crypto import V3, Device, Identity
from tests.encryption.house import PASSWORD, House
from tests.encryption.test_device_lists import lists
from tests.support.rooms import refused

UPLOAD = f"{V3}/keys/device_signing/upload"
DEHYDRATED = "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device"
SIGN = f"{V3}/keys/signatures/upload"


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def proof(device: Device, session: str) -> dict[str, Any]:
    who = {"type": "m.id.user", "user": device.user_id}
    return {"type": "m.login.password", "identifier": who, "password": PASSWORD, "session": session}


def test_the_first_keys_need_no_proof_and_are_shown(house: House) -> None:
    alice, bob = house.person("alice"), house.person("bob")
    keys = Identity(alice.user_id).upload()
    house.ok(alice.client.post(UPLOAD, keys))
    house.ok(alice.client.post(UPLOAD, keys))  # the same again needs none either
    own = house.query(alice, alice.user_id)
    assert own["master_keys"] == {alice.user_id: keys["master_key"]}
    assert own["self_signing_keys"] == {alice.user_id: keys["self_signing_key"]}
    assert own["user_signing_keys"] == {alice.user_id: keys["user_signing_key"]}
    seen = house.query(bob, alice.user_id)
    assert (list(seen["master_keys"]), list(seen["self_signing_keys"]), seen["user_signing_keys"]) == ([alice.user_id], [alice.user_id], {})


def test_other_keys_need_the_password(house: House) -> None:
    alice, bob = house.person("alice"), house.person("bob")
    house.room(alice, bob)
    house.ok(alice.client.post(UPLOAD, Identity(alice.user_id).upload()))
    token = house.sync(bob)["next_batch"]
    second = Identity(alice.user_id, 2).upload()
    status, answer = house.run(alice.client.post(UPLOAD, second))
    assert status == 401
    assert answer["flows"] == [{"stages": ["m.login.password"]}]
    assert house.query(bob, alice.user_id)["master_keys"][alice.user_id] == Identity(alice.user_id).upload()["master_key"]
    assert lists(house.sync(bob, token)) == ([], [])
    house.ok(alice.client.post(UPLOAD, {"auth": proof(alice, answer["session"])}))  # the parameters are those that opened the session
    assert house.query(bob, alice.user_id)["master_keys"][alice.user_id] == second["master_key"]
    assert lists(house.sync(bob, token)) == ([alice.user_id], [])


def test_a_new_self_signing_key_alone_needs_the_password(house: House) -> None:
    alice = house.person("alice")
    first, second = Identity(alice.user_id), Identity(alice.user_id, 2)
    house.ok(alice.client.post(UPLOAD, first.upload()))
    body = {"self_signing_key": first.public("self_signing", second.self_signing)}
    status, answer = house.run(alice.client.post(UPLOAD, body))
    assert status == 401
    house.ok(alice.client.post(UPLOAD, {**body, "auth": proof(alice, answer["session"])}))
    found = house.query(alice, alice.user_id)
    assert found["self_signing_keys"][alice.user_id] == body["self_signing_key"]
    assert found["user_signing_keys"][alice.user_id] == first.upload()["user_signing_key"]


def test_keys_by_the_name_of_a_device_are_refused(house: House) -> None:
    identity = Identity("@alice:test")
    alice = house.person("alice", identity.self_signing.public_base64)
    refused(house.run(alice.client.post(UPLOAD, identity.upload())), 403, "M_FORBIDDEN")
    house.upload(alice)
    refused(house.run(alice.client.post(UPLOAD, identity.upload())), 403, "M_FORBIDDEN")


@pytest.mark.parametrize("usage", ["master", "self_signing", "user_signing"])
def test_devices_by_the_name_of_a_key_are_refused(house: House, usage: str) -> None:
    alice, bob = house.person("alice"), house.person("bob")
    identity = Identity(alice.user_id)
    house.ok(alice.client.post(UPLOAD, identity.upload()))
    name = getattr(identity, usage).public_base64
    who = {"type": "m.id.user", "user": alice.user_id}
    login = {"type": "m.login.password", "identifier": who, "password": PASSWORD, "device_id": name}
    refused(house.run(house.server.client.post(f"{V3}/login", login)), 403, "M_FORBIDDEN")
    dehydrated = Device(alice.client, alice.user_id, name)
    body = {"device_id": name, "device_data": {"algorithm": "x"}, "device_keys": dehydrated.device_keys()}
    refused(house.run(alice.client.put(DEHYDRATED, body)), 403, "M_FORBIDDEN")
    assert [device["device_id"] for device in house.ok(alice.client.get(f"{V3}/devices"))["devices"]] == ["PHONE"]
    house.another(Device(bob.client, bob.user_id, "PHONE"), name)  # of another user it is nothing


def test_wrong_keys_are_refused(house: House) -> None:
    alice = house.person("alice")
    identity, other = Identity(alice.user_id), Identity(alice.user_id, 2)
    good = identity.upload()
    master = good["master_key"]
    for body, errcode in (
        ({}, "M_MISSING_PARAM"),
        ({"self_signing_key": good["self_signing_key"]}, "M_MISSING_PARAM"),
        ({**good, "self_signing_key": other.upload()["self_signing_key"]}, "M_INVALID_SIGNATURE"),
        ({**good, "user_signing_key": {**good["user_signing_key"], "signatures": {}}}, "M_INVALID_SIGNATURE"),
        ({"master_key": 5}, "M_BAD_JSON"),
        ({"master_key": {**master, "user_id": "@bob:test"}}, "M_INVALID_PARAM"),
        ({"master_key": {**master, "usage": ["self_signing"]}}, "M_INVALID_PARAM"),
        ({"master_key": {**master, "usage": "master"}}, "M_INVALID_PARAM"),
        ({"master_key": {**master, "keys": {}}}, "M_INVALID_PARAM"),
        ({"master_key": {**master, "keys": {"ed25519:a": "a"}}}, "M_INVALID_PARAM"),
        ({"master_key": {**master, "keys": {"ed25519:x": master["keys"][identity.master.key_id]}}}, "M_INVALID_PARAM"),
        ({"master_key": {**master, "signatures": {"x": 1}}}, "M_BAD_JSON"),
    ):
        status, answer = house.run(alice.client.post(UPLOAD, body))
        assert (status, answer["errcode"]) == (400, errcode), body
    assert house.query(alice, alice.user_id)["master_keys"] == {}


def test_signatures_on_own_keys_are_seen_by_all(house: House) -> None:
    alice, bob = house.person("alice"), house.person("bob")
    house.room(alice, bob)
    identity = Identity(alice.user_id)
    house.upload(alice)
    house.ok(alice.client.post(UPLOAD, identity.upload()))
    token = house.sync(bob)["next_batch"]
    device = sign_json(alice.device_keys(), alice.user_id, identity.self_signing)
    master = sign_json(identity.public("master", identity.master), alice.user_id, alice.key)
    body = {alice.user_id: {"PHONE": device, identity.master.public_base64: master}}
    assert house.ok(alice.client.post(SIGN, body)) == {"failures": {}}
    assert lists(house.sync(bob, token)) == ([alice.user_id], [])
    seen = house.query(bob, alice.user_id)
    assert seen["device_keys"][alice.user_id]["PHONE"] == {**device, "unsigned": {}}
    assert seen["master_keys"][alice.user_id] == master
    house.upload(alice)  # the client's own copy lacks the signature: it stays
    assert house.query(bob, alice.user_id)["device_keys"][alice.user_id]["PHONE"]["signatures"] == device["signatures"]


def test_a_signature_on_another_user_is_seen_by_its_maker_alone(house: House) -> None:
    alice, bob, carol = (house.person(name) for name in ("alice", "bob", "carol"))
    house.room(alice, bob, carol)
    ours, theirs = Identity(alice.user_id), Identity(bob.user_id)
    house.ok(alice.client.post(UPLOAD, ours.upload()))
    house.ok(bob.client.post(UPLOAD, theirs.upload()))
    tokens = [house.sync(person)["next_batch"] for person in (alice, bob, carol)]
    signed = sign_json(theirs.public("master", theirs.master), alice.user_id, ours.user_signing)
    assert house.ok(alice.client.post(SIGN, {bob.user_id: {theirs.master.public_base64: signed}})) == {"failures": {}}
    assert house.query(alice, bob.user_id)["master_keys"][bob.user_id] == signed
    for person in (bob, carol):
        assert alice.user_id not in house.query(person, bob.user_id)["master_keys"][bob.user_id].get("signatures", {})
    told = [lists(house.sync(person, token)) for person, token in zip((alice, bob, carol), tokens, strict=True)]
    assert told == [([bob.user_id], []), ([], []), ([], [])]


def test_wrong_signatures_fail_one_by_one(house: House) -> None:
    alice, bob = house.person("alice"), house.person("bob")
    ours, theirs = Identity(alice.user_id), Identity(bob.user_id)
    house.upload(alice)
    house.ok(alice.client.post(UPLOAD, ours.upload()))
    house.ok(bob.client.post(UPLOAD, theirs.upload()))
    good = sign_json(alice.device_keys(), alice.user_id, ours.self_signing)
    forged = {**good, "signatures": {alice.user_id: {ours.self_signing.key_id: "A" * 86}}}
    other_key = sign_json({**alice.device_keys(), "algorithms": []}, alice.user_id, ours.self_signing)
    bobs = sign_json(theirs.public("master", theirs.master), alice.user_id, ours.self_signing)
    for target, key, signed, errcode in (
        (alice.user_id, "PHONE", forged, "M_INVALID_SIGNATURE"),
        (alice.user_id, "PHONE", {**good, "signatures": {}}, "M_INVALID_SIGNATURE"),
        (alice.user_id, "PHONE", sign_json(alice.device_keys(), alice.user_id, ours.user_signing), "M_INVALID_SIGNATURE"),
        (alice.user_id, "PHONE", other_key, "M_INVALID_PARAM"),
        (alice.user_id, "PHONE", "text", "M_BAD_JSON"),
        (alice.user_id, "NONE", good, "M_NOT_FOUND"),
        (bob.user_id, theirs.master.public_base64, bobs, "M_INVALID_SIGNATURE"),
        (bob.user_id, "PHONE", bobs, "M_NOT_FOUND"),
        ("@nobody:elsewhere", "x", bobs, "M_NOT_FOUND"),
    ):
        failures = house.ok(alice.client.post(SIGN, {target: {key: signed}}))["failures"]
        assert failures[target][key]["errcode"] == errcode, (key, signed)
    failures = house.ok(alice.client.post(SIGN, {alice.user_id: {"PHONE": good, "NONE": good}}))["failures"]
    assert list(failures[alice.user_id]) == ["NONE"]
    assert house.run(alice.client.post(SIGN, {"x": {}}))[0] == 400
