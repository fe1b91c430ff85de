"""The shapes of keys that clients upload (client-server API, "End-to-end encryption"). What is refused here can break no one's sync later.

Every function raises BadJson, InvalidParam or TooLarge.
"""

from collections.abc import Mapping
from typing import Any

from homeserver.encryption.store import OneTimeKey
from homeserver.errors import BadJson, InvalidParam, InvalidSignature, TooLarge
from homeserver.protocol.canonical_json import encode_tolerant
from homeserver.protocol.errors import BadSignature, InvalidJson
from homeserver.protocol.signing import ALGORITHM, PUBLIC_KEY_BYTES, VerifyKey, decode_base64, verify_json

MAX_DEVICE_KEYS_BYTES = 65_536
MAX_KEY_BYTES = 4_096
MAX_NAME_CHARACTERS = 255
MAX_KEYS_AT_ONCE = 1_000


def encode_object(value: Any, what: str, most: int) -> bytes:
    """Canonical JSON of an object of bounded size."""
    if not isinstance(value, dict):
        raise BadJson(f"{what} must be an object")
    try:
        body = encode_tolerant(value)
    except InvalidJson as error:
        raise BadJson(f"{what} has no canonical JSON") from error
    if len(body) > most:
        raise TooLarge(f"{what} has more than {most} bytes")
    return body


def public_key_of(text: object, what: str) -> bytes:
    """The 32 bytes of a public key."""
    if isinstance(text, str) and text.isascii():
        try:
            raw = decode_base64(text)
        except ValueError:
            raw = b""
        if len(raw) == PUBLIC_KEY_BYTES:
            return raw
    raise InvalidParam(f"{what} is no public key")


def check_signatures(signatures: object, what: str) -> None:
    if not isinstance(signatures, dict):
        raise BadJson(f"{what}.signatures must be an object")
    for user_id, of_user in signatures.items():
        if not user_id.startswith("@") or not isinstance(of_user, dict):
            raise BadJson(f"{what}.signatures must map users to objects")
        if not all(isinstance(signature, str) for signature in of_user.values()):
            raise BadJson(f"{what}.signatures must be text")


def device_keys(value: Any, user_id: str, device_id: str) -> bytes:
    """The identity keys of the caller's device, without `unsigned`, which is ours to add. Raises InvalidSignature besides."""
    what = "device_keys"
    if isinstance(value, dict):
        value = {name: item for name, item in value.items() if name != "unsigned"}
    body = encode_object(value, what, MAX_DEVICE_KEYS_BYTES)
    missing = [name for name in ("user_id", "device_id", "algorithms", "keys", "signatures") if name not in value]
    if missing:
        raise BadJson(f"{what} lacks {', '.join(missing)}")
    if value["user_id"] != user_id or value["device_id"] != device_id:
        raise InvalidParam(f"{what} belong to another user or device")
    algorithms, keys = value["algorithms"], value["keys"]
    if not isinstance(algorithms, list) or not all(isinstance(name, str) for name in algorithms):
        raise BadJson(f"{what}.algorithms must be a list of text")
    if not isinstance(keys, dict) or not keys or not all(isinstance(key, str) for key in keys.values()):
        raise BadJson(f"{what}.keys must map names to text")
    for name, key in keys.items():
        algorithm, colon, owner = name.partition(":")
        if not colon or owner != device_id:
            raise InvalidParam(f"{what}.keys must be named <algorithm>:<device ID>")
        if algorithm in (ALGORITHM, "curve25519"):
            public_key_of(key, f"{what}.keys.{algorithm}")
    check_signatures(value["signatures"], what)
    _check_own_signature(value, user_id, f"{ALGORITHM}:{device_id}")
    return body


def _check_own_signature(keys: dict[str, Any], user_id: str, key_id: str) -> None:
    """A signature in the device's own name must be its own; keys without any are passed over by other clients."""
    if key_id not in keys["signatures"].get(user_id, {}):
        return
    try:
        verify_json(keys, user_id, key_id, VerifyKey(public_key_of(keys["keys"].get(key_id), f"device_keys.keys.{key_id}")))
    except BadSignature as error:
        raise InvalidSignature("The device keys are not signed by the device") from error


def one_time_keys(value: Any, what: str) -> list[OneTimeKey]:
    if not isinstance(value, dict):
        raise BadJson(f"{what} must be an object")
    if len(value) > MAX_KEYS_AT_ONCE:
        raise InvalidParam(f"{what} may hold {MAX_KEYS_AT_ONCE} keys at once")
    return [_one_time_key(name, key, what) for name, key in value.items()]


def _one_time_key(name: str, key: Any, what: str) -> OneTimeKey:
    algorithm, colon, key_id = name.partition(":")
    if not (algorithm and colon and key_id) or len(name) > MAX_NAME_CHARACTERS or "\0" in name:
        raise InvalidParam(f"{what} must be named <algorithm>:<key ID>")
    if isinstance(key, dict):
        if not isinstance(key.get("key"), str):
            raise BadJson(f"{what}: a key object needs its key as text")
        if algorithm == "signed_curve25519":
            public_key_of(key["key"], f"{what}.{name}")
        if algorithm.startswith("signed_") or "signatures" in key:
            check_signatures(key.get("signatures"), what)
        return OneTimeKey(algorithm, key_id, encode_object(key, what, MAX_KEY_BYTES))
    if not isinstance(key, str) or algorithm.startswith("signed_"):
        raise BadJson(f"{what}: a key must be text or, where it is signed, an object")
    body = encode_tolerant(key)
    if len(body) > MAX_KEY_BYTES:
        raise TooLarge(f"{what}: a key is too long")
    return OneTimeKey(algorithm, key_id, body)


def fallback_keys(value: Any) -> list[OneTimeKey]:
    keys = one_time_keys(value, "fallback_keys")
    if len({key.algorithm for key in keys}) != len(keys):
        raise InvalidParam("There may be one fallback key of each algorithm")
    return keys


def cross_signing_key(value: Any, user_id: str, usage: str) -> tuple[str, bytes]:
    """(its public key in base64, its JSON)."""
    what = f"{usage}_key"
    body = encode_object(value, what, MAX_DEVICE_KEYS_BYTES)
    if value.get("user_id") != user_id:
        raise InvalidParam(f"{what} belongs to another user")
    usages = value.get("usage")
    if not isinstance(usages, list) or usage not in usages:
        raise InvalidParam(f"{what} is not for {usage}")
    if "signatures" in value:
        check_signatures(value["signatures"], what)
    return only_key(value.get("keys"), what), body


def only_key(keys: object, what: str) -> str:
    """The one public key of a cross-signing key, which is its name too."""
    if not isinstance(keys, Mapping) or len(keys) != 1:
        raise InvalidParam(f"{what}.keys must hold one key")
    name, key = next(iter(keys.items()))
    public_key_of(key, f"{what}.keys")
    if name != f"{ALGORITHM}:{key}":
        raise InvalidParam(f"{what}.keys must be named {ALGORITHM}:<public key>")
    return str(key)
