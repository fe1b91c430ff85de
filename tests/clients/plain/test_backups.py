"""Cross-signing, backups of message keys and dehydrated devices over plain HTTP."""

from typing import Any

from homeserver.protocol.signing import sign_json
from tests.clients.house import House
from tests.clients.person import Person, path, v3
from tests.encryption.crypto import Device, Identity

BACKUP = {"algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "auth_data": {"public_key": "x"}}
KEY = {"first_message_index": 1, "forwarded_count": 0, "is_verified": False, "session_data": {"ciphertext": "x"}}
DEHYDRATED = "/_matrix/client/unstable/org.matrix.msc3814.v1"
DATA = {"algorithm": "org.matrix.msc3814.v2", "device_pickle": "x", "nonce": "y"}


def device_of(person: Person, device_id: str) -> Device:
    return Device(None, person.user_id, device_id)  # type: ignore[arg-type]


def test_cross_signing(house: House) -> None:
    alice = house.person("alice")
    device, identity = device_of(alice, alice.device_id), Identity(alice.user_id)
    alice.post(v3("keys", "upload"), {"device_keys": device.device_keys()})
    keys = identity.upload()
    assert alice.post(v3("keys", "device_signing", "upload"), keys) == {}
    found = alice.post(v3("keys", "query"), {"device_keys": {alice.user_id: []}})
    assert found["master_keys"][alice.user_id]["keys"] == keys["master_key"]["keys"]
    signed = sign_json(device.device_keys(), alice.user_id, identity.self_signing)
    signatures = {alice.user_id: {alice.device_id: signed}}
    assert alice.post(v3("keys", "signatures", "upload"), signatures) == {"failures": {}}
    old = "/_matrix/client/unstable/keys"
    assert alice.post(path(old, "device_signing", "upload"), keys) == {}
    assert alice.post(path(old, "signatures", "upload"), signatures) == {"failures": {}}
    assert alice.get(v3("keys", "changes", **{"from": alice.sync()["next_batch"], "to": alice.sync()["next_batch"]})) == {
        "changed": [],
        "left": [],
    }


def test_backups(house: House) -> None:
    alice = house.person("alice")
    version = alice.post(v3("room_keys", "version"), BACKUP)["version"]
    assert alice.get(v3("room_keys", "version"))["version"] == version
    assert alice.get(v3("room_keys", "version", version))["count"] == 0
    assert alice.put(v3("room_keys", "version", version), {**BACKUP, "version": version}) == {}
    room, session = "!room:example.org", "session"
    one, whole = v3("room_keys", "keys", room, session, version=version), v3("room_keys", "keys", version=version)
    in_room = v3("room_keys", "keys", room, version=version)
    assert alice.put(one, KEY)["count"] == 1
    assert alice.get(one) == KEY
    assert alice.put(in_room, {"sessions": {"second": KEY}})["count"] == 2
    assert set(alice.get(in_room)["sessions"]) == {session, "second"}
    assert alice.put(whole, {"rooms": {room: {"sessions": {"third": KEY}}}})["count"] == 3
    assert set(alice.get(whole)["rooms"][room]["sessions"]) == {session, "second", "third"}
    assert alice.delete(one)["count"] == 2
    assert alice.delete(in_room)["count"] == 0
    assert alice.delete(whole)["count"] == 0
    assert alice.delete(v3("room_keys", "version", version)) == {}
    alice.refused(404, "M_NOT_FOUND", "GET", v3("room_keys", "version"))


def test_a_device_asleep(house: House) -> None:
    alice = house.person("alice")
    sleeper = device_of(alice, "SLEEPER")
    body: dict[str, Any] = {"device_id": "SLEEPER", "device_data": DATA, "device_keys": sleeper.device_keys()}
    place = path(DEHYDRATED, "dehydrated_device")
    assert alice.put(place, body) == {"device_id": "SLEEPER"}
    assert alice.get(place) == {"device_id": "SLEEPER", "device_data": DATA}
    assert alice.get(path(DEHYDRATED, "dehydrated_device", "SLEEPER", "events")) == {"events": []}
    assert alice.post(path(DEHYDRATED, "dehydrated_device", "SLEEPER", "events"), {})["events"] == []
    assert alice.delete(place) == {"device_id": "SLEEPER"}
