"""Devices with real keys, for tests: what a client with Olm would upload."""

import hashlib
from typing import Any

from homeserver.protocol.signing import SigningKey, encode_base64, sign_json
from tests.support.client import Client

V3 = "/_matrix/client/v3"


def seed(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


class Device:
    """One logged-in device. All its keys follow from its name."""

    def __init__(self, client: Client, user_id: str, device_id: str, salt: str = "") -> None:
        self.client = client
        self.user_id = user_id
        self.device_id = device_id
        self.key = SigningKey(f"ed25519:{device_id}", seed(f"{salt}{user_id} {device_id}"))

    def device_keys(self) -> dict[str, Any]:
        keys = {
            "user_id": self.user_id,
            "device_id": self.device_id,
            "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
            "keys": {
                self.key.key_id: self.key.public_base64,
                f"curve25519:{self.device_id}": encode_base64(seed(f"curve {self.user_id} {self.device_id}")),
            },
        }
        return sign_json(keys, self.user_id, self.key)

    def one_time(self, *names: str, fallback: bool = False) -> dict[str, Any]:
        keys = {}
        for name in names:
            key: dict[str, Any] = {"key": encode_base64(seed(f"{self.device_id} {name}"))}
            if fallback:
                key["fallback"] = True
            keys[f"signed_curve25519:{name}"] = sign_json(key, self.user_id, self.key)
        return keys


class Identity:
    """A user's cross-signing keys."""

    def __init__(self, user_id: str, generation: int = 1) -> None:
        self.user_id = user_id
        self.master, self.self_signing, self.user_signing = (
            self._key(f"{usage} {generation}") for usage in ("master", "self_signing", "user_signing")
        )

    def _key(self, usage: str) -> SigningKey:
        named = SigningKey("ed25519:x", seed(f"{self.user_id} {usage}"))
        return SigningKey(f"ed25519:{named.public_base64}", seed(f"{self.user_id} {usage}"))

    def public(self, usage: str, key: SigningKey) -> dict[str, Any]:
        value = {"user_id": self.user_id, "usage": [usage], "keys": {key.key_id: key.public_base64}}
        return value if usage == "master" else sign_json(value, self.user_id, self.master)

    def upload(self) -> dict[str, Any]:
        return {
            "master_key": self.public("master", self.master),
            "self_signing_key": self.public("self_signing", self.self_signing),
            "user_signing_key": self.public("user_signing", self.user_signing),
        }
