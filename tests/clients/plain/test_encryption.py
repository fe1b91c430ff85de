"""Keys of devices over plain HTTP: put up, looked up, given out."""

from typing import Any

from signedjson.key import encode_verify_key_base64, generate_signing_key, get_verify_key
from signedjson.sign import sign_json

from tests.clients.house import House
from tests.clients.person import Person, v3

ALGORITHMS = ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"]


def keys_of(person: Person) -> dict[str, Any]:
    """What a new device puts up: its own keys, two for one use each, one to fall back on."""
    signing = generate_signing_key(person.device_id)
    public = encode_verify_key_base64(get_verify_key(signing))
    keys = {f"ed25519:{person.device_id}": public, f"curve25519:{person.device_id}": public}
    device = {"user_id": person.user_id, "device_id": person.device_id, "algorithms": ALGORITHMS, "keys": keys}

    def signed(**more: object) -> dict[str, Any]:
        return dict(sign_json({"key": public, **more}, person.user_id, signing))

    return {
        "device_keys": sign_json(device, person.user_id, signing),
        "one_time_keys": {f"signed_curve25519:AAAA{letter}": signed() for letter in "AB"},
        "fallback_keys": {"signed_curve25519:FALL": signed(fallback=True)},
    }


def test_keys(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    keys = keys_of(bob)
    assert bob.post(v3("keys", "upload"), keys) == {"one_time_key_counts": {"signed_curve25519": 2}}
    found = alice.post(v3("keys", "query"), {"device_keys": {bob.user_id: []}, "timeout": 1000})
    told = found["device_keys"][bob.user_id][bob.device_id]
    assert told["keys"] == keys["device_keys"]["keys"]
    assert told["signatures"] == keys["device_keys"]["signatures"]
    wanted = {"one_time_keys": {bob.user_id: {bob.device_id: "signed_curve25519"}}}
    given = [next(iter(alice.post(v3("keys", "claim"), wanted)["one_time_keys"][bob.user_id][bob.device_id])) for _ in range(3)]
    assert given == ["signed_curve25519:AAAAA", "signed_curve25519:AAAAB", "signed_curve25519:FALL"]
    assert bob.post(v3("keys", "upload"), {})["one_time_key_counts"].get("signed_curve25519", 0) == 0
    alice.refused(400, "M_BAD_JSON", "POST", v3("keys", "query"), {})
    alice.refused(400, "M_BAD_JSON", "POST", v3("keys", "claim"), {})
    assert alice.exchange("POST", v3("keys", "upload"), keys)[0] == 400


def test_messages_to_devices(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    path = v3("sendToDevice", "org.example.note", "transaction")
    body = {"messages": {bob.user_id: {bob.device_id: {"text": "for this device"}}}}
    assert alice.put(path, body) == alice.put(path, body) == {}
    first = bob.sync()
    note = {"type": "org.example.note", "sender": alice.user_id, "content": {"text": "for this device"}}
    assert first["to_device"]["events"] == [note]
    assert "to_device" not in bob.sync(first["next_batch"])
    alice.refused(400, "M_BAD_JSON", "PUT", v3("sendToDevice", "org.example.note", "other"), {"messages": []})
