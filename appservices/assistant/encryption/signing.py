"""Signed JSON, and who signed it ("Signing JSON" of the appendices): device keys, one-time keys, cross-signing keys."""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from canonicaljson import encode_canonical_json
from nacl.signing import SigningKey
from vodozemac import Ed25519PublicKey, Ed25519Signature

Json = dict[str, Any]
Sign = Callable[[bytes], str]


def canonical(found: Mapping[str, Any]) -> bytes:
    data: bytes = encode_canonical_json({key: value for key, value in found.items() if key not in ("signatures", "unsigned")})
    return data


def signed(found: Mapping[str, Any], user: str, key: str, sign: Sign) -> Json:
    """With one more signature; those that are there stay."""
    signatures: Json = {who: dict(by) for who, by in (found.get("signatures") or {}).items()}
    signatures.setdefault(user, {})[key] = sign(canonical(found))
    return {**found, "signatures": signatures}


def is_signed(found: Mapping[str, Any], user: str, key: str, public: str) -> bool:
    """By that key of that user; whatever is not as it should be is no signature."""
    by = found.get("signatures")
    by = by.get(user) if isinstance(by, Mapping) else None
    signature = by.get(key) if isinstance(by, Mapping) else None
    if not isinstance(signature, str):
        return False
    try:
        Ed25519PublicKey.from_base64(public).verify_signature(canonical(found), Ed25519Signature.from_base64(signature))
    except (ValueError, TypeError):
        return False
    return True


class CrossKey:
    """One of the three keys of a user ("Cross-signing"), from its seed."""

    def __init__(self, seed: bytes) -> None:
        self._key = SigningKey(seed)

    @property
    def public(self) -> str:
        return unpadded(bytes(self._key.verify_key))

    def sign(self, data: bytes) -> str:
        return unpadded(self._key.sign(data).signature)


def unpadded(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def padded(text: str) -> bytes:
    """Raises ValueError."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error
