"""Right bodies for endpoints that take objects without a schema: keys of devices and users, backups, messages to devices. `mutate` spoils them."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.fuzz import values
from tests.fuzz.known import Known

CURVE = "curve25519"
SIGNED = f"signed_{CURVE}"
ALGORITHMS = ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"]
BACKUP = "m.megolm_backup.v1.curve25519-aes-sha2"
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000028000000280802000000039c2f3a0000002c4944415478daedcdb109000008c0b0feffb43e21b804b2"
    "a7a91789c562b1582c168bc562b1582c168bc57716aaf53a1bdd9533fb0000000049454e44ae426082"
)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends, and what the path names."""

    user_id: str
    device_id: str
    chosen: dict[str, str]


Make = Callable[[Random, Known, Sender], dict[str, Any]]


def a_key(chance: Random) -> str:
    """One of a few, so that some are known already."""
    return chance.choice("ABCDEFGH") * 42 + "A"


def signatures(sender: Sender, name: str) -> dict[str, Any]:
    return {sender.user_id: {f"ed25519:{name}": "c2ln"}}


def one_time_keys(chance: Random, sender: Sender, most: int = 3) -> dict[str, Any]:
    return {
        f"{SIGNED}:{chance.randrange(60)}": {"key": a_key(chance), "signatures": signatures(sender, "OTHER")}
        for _ in range(chance.randint(0, most))
    }


def device_keys(chance: Random, known: Known, sender: Sender, device_id: str) -> dict[str, Any]:
    keys = {f"{CURVE}:{device_id}": a_key(chance), f"ed25519:{device_id}": a_key(chance)}
    return {
        "user_id": sender.user_id, "device_id": device_id, "algorithms": ALGORITHMS, "keys": keys, "signatures": signatures(sender, "OTHER"),
        "unsigned": {"device_display_name": "x"},
    }  # fmt: skip


def upload(chance: Random, known: Known, sender: Sender) -> dict[str, Any]:
    made: dict[str, Any] = {"one_time_keys": one_time_keys(chance, sender)}
    if chance.random() < 0.5:
        made["device_keys"] = device_keys(chance, known, sender, sender.device_id)
    if chance.random() < 0.5:
        made["fallback_keys"] = one_time_keys(chance, sender, 1)
    return made


def dehydrated(chance: Random, known: Known, sender: Sender) -> dict[str, Any]:
    device_id = "DRY" + chance.choice("ABC")
    known.add("device", device_id)
    keys = {"device_keys": device_keys(chance, known, sender, device_id), "one_time_keys": one_time_keys(chance, sender)}
    return {"device_id": device_id, "device_data": {"algorithm": "m.dehydration.v2", "nonce": "x"}, **keys}


def master_key(chance: Random, known: Known, sender: Sender) -> dict[str, Any]:
    key = a_key(chance)
    made = {"user_id": sender.user_id, "usage": ["master"], "keys": {f"ed25519:{key}": key}}
    return {"master_key": made, "auth": {"type": "m.login.password", "user": sender.user_id, "password": "secret secret"}}


def query(chance: Random, known: Known, sender: Sender) -> dict[str, Any]:
    return {
        "device_keys": {known.some("user"): [known.some("device")] if chance.random() < 0.3 else [] for _ in range(3)},
        "timeout": 10_000,
    }


def claim(chance: Random, known: Known, sender: Sender) -> dict[str, Any]:
    return {"one_time_keys": {known.some("user"): {known.some("device"): SIGNED}, sender.user_id: {sender.device_id: SIGNED}}}


def sign(chance: Random, known: Known, sender: Sender) -> dict[str, Any]:
    return {sender.user_id: {sender.device_id: device_keys(chance, known, sender, sender.device_id)}}


def letters(chance: Random, known: Known, sender: Sender) -> dict[str, Any]:
    device = chance.choice(("*", sender.device_id, known.some("device")))
    return {"messages": {known.some("user"): {device: {"algorithm": ALGORITHMS[0], "x": values.value(chance)}}, sender.user_id: {"*": {}}}}


def version(chance: Random, known: Known, sender: Sender) -> dict[str, Any]:
    made: dict[str, Any] = {"algorithm": BACKUP, "auth_data": {"public_key": a_key(chance), "signatures": signatures(sender, "OTHER")}}
    return made | ({"version": sender.chosen["version"]} if "version" in sender.chosen else {})


def a_session(chance: Random, known: Known, sender: Sender) -> dict[str, Any]:
    data = {"ephemeral": a_key(chance), "ciphertext": "x", "mac": "x"}
    return {
        "first_message_index": chance.choice((0, 1, 100)), "forwarded_count": chance.choice((0, 3)), "is_verified": chance.random() < 0.5, "session_data": data,
    }  # fmt: skip


def sessions(chance: Random, known: Known, sender: Sender) -> dict[str, Any]:
    return {"sessions": {chance.choice(("session1", "session2")): a_session(chance, known, sender) for _ in range(2)}}


def rooms(chance: Random, known: Known, sender: Sender) -> dict[str, Any]:
    return {"rooms": {known.some("room"): sessions(chance, known, sender) for _ in range(chance.randint(0, 3))}}


BY_END: dict[str, Make] = {
    "/keys/upload": upload, "/keys/upload/{device_id}": upload, "/keys/query": query, "/keys/claim": claim, "/keys/signatures/upload": sign,
    "/keys/device_signing/upload": master_key, "/sendToDevice/{event_type}/{txn_id}": letters, "/dehydrated_device": dehydrated,
    "/room_keys/version": version, "/room_keys/version/{version}": version, "/room_keys/keys": rooms, "/room_keys/keys/{room}": sessions,
    "/room_keys/keys/{room}/{session}": a_session,
}  # fmt: skip


def right(path: str, chance: Random, known: Known, sender: Sender) -> dict[str, Any] | None:
    """None: it is not known here what this endpoint takes."""
    make = next((make for end, make in BY_END.items() if path.endswith(end)), None)
    return None if make is None else make(chance, known, sender)
