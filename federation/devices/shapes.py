"""Keys that other servers tell: the same shapes as our own users' keys, so that none of them can break a client here. What does not fit is left out."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from federation.devices.store import RemoteDevice
from homeserver.encryption import key_shapes
from homeserver.encryption.store import MASTER, SELF_SIGNING
from homeserver.errors import MatrixError
from homeserver.protocol.canonical_json import encode_tolerant
from homeserver.protocol.errors import InvalidJson

MAX_NAME: Final = 100  # characters of a device's name
MOST_DEVICES: Final = 5_000  # of one user
SIGNING: Final = ((MASTER, "master_key"), (SELF_SIGNING, "self_signing_key"))


def device(user_id: str, device_id: object, keys: object, name: object) -> RemoteDevice | None:
    if not isinstance(device_id, str) or not device_id or len(device_id) > key_shapes.MAX_NAME_CHARACTERS or "\0" in device_id:
        return None
    try:
        body = key_shapes.device_keys(keys, user_id, device_id)
    except MatrixError:
        return None
    return RemoteDevice(device_id, body, _name(name))


def _name(name: object) -> str | None:
    return name[:MAX_NAME] if isinstance(name, str) and "\0" not in name else None


def devices(user_id: str, listed: object) -> list[RemoteDevice]:
    """Of an answer to /user/devices."""
    found: dict[str, RemoteDevice] = {}
    for each in listed[:MOST_DEVICES] if isinstance(listed, list) else ():
        if isinstance(each, dict):
            known = device(user_id, each.get("device_id"), each.get("keys"), each.get("device_display_name"))
            if known is not None:
                found[known.device_id] = known
    return list(found.values())


def queried_devices(user_id: str, mapped: object) -> list[RemoteDevice]:
    """Of an answer to /user/keys/query."""
    found = []
    for device_id, keys in mapped.items() if isinstance(mapped, dict) else ():
        unsigned = keys.get("unsigned") if isinstance(keys, dict) else None
        known = device(user_id, device_id, keys, unsigned.get("device_display_name") if isinstance(unsigned, dict) else None)
        if known is not None:
            found.append(known)
    return found[:MOST_DEVICES]


def signing_keys(user_id: str, told: Mapping[str, Any]) -> dict[str, bytes]:
    """By usage, of an object with `master_key` and `self_signing_key`."""
    found = {}
    for usage, name in SIGNING:
        if name in told:
            key = signing_key(user_id, usage, told[name])
            if key is not None:
                found[usage] = key
    return found


def signing_key(user_id: str, usage: str, value: Any) -> bytes | None:
    if isinstance(value, dict):
        value = {name: item for name, item in value.items() if name != "unsigned"}
    try:
        return key_shapes.cross_signing_key(value, user_id, usage)[1]
    except MatrixError:
        return None


def told_device(known: RemoteDevice) -> dict[str, Any]:
    """As /keys/query tells it to a client."""
    keys: dict[str, Any] = orjson.loads(known.body)
    keys["unsigned"] = {} if known.display_name is None else {"device_display_name": known.display_name}
    return keys


def claimed_keys(keys: object, algorithm: str) -> dict[str, Any] | None:
    """The one key that was asked for, by its name."""
    for name, key in keys.items() if isinstance(keys, dict) else ():
        try:
            (shaped,) = key_shapes.one_time_keys({name: key}, "one_time_keys")
            encode_tolerant(key)
        except (MatrixError, InvalidJson):
            continue
        if shaped.algorithm == algorithm:
            return {name: key}
    return None


def named(user_ids: Iterable[str]) -> dict[str, list[str]]:
    """By server."""
    found: dict[str, list[str]] = {}
    for user_id in user_ids:
        found.setdefault(user_id.partition(":")[2], []).append(user_id)
    return found
