"""Signed JSON objects as they are kept: put together, compared, checked (appendices, "Signing JSON"). Pure."""

from typing import Any

import orjson

from homeserver.encryption.key_shapes import public_key_of
from homeserver.errors import InvalidSignature, MatrixError
from homeserver.protocol.canonical_json import encode_tolerant
from homeserver.protocol.errors import BadSignature
from homeserver.protocol.signing import VerifyKey, verify_json

Signatures = dict[str, dict[str, str]]  # user → key ID → signature


def essence(value: dict[str, Any]) -> bytes:
    """What is signed."""
    return encode_tolerant({key: item for key, item in value.items() if key not in ("signatures", "unsigned")})


def with_signatures(value: dict[str, Any], further: Signatures) -> dict[str, Any]:
    """A copy with these signatures added; of the same name the further one counts."""
    if not further:
        return value
    signatures = {user: dict(of_user) for user, of_user in (value.get("signatures") or {}).items()}
    for user, of_user in further.items():
        signatures[user] = {**signatures.get(user, {}), **of_user}
    return {**value, "signatures": signatures}


def keep_signatures(new: bytes, stored: bytes | None) -> bytes | None:
    """The new object, with the signatures that the stored one had already if it says the same; None: nothing is new."""
    if stored is None:
        return new
    new_value, old_value = orjson.loads(new), orjson.loads(stored)
    if essence(new_value) != essence(old_value):
        return new
    merged = encode_tolerant(with_signatures(old_value, new_value.get("signatures") or {}))
    return None if merged == stored else merged


def check_signature(value: dict[str, Any], user_id: str, key_id: str, public_key: str) -> None:
    """Raises InvalidSignature."""
    try:
        verify_json(value, user_id, key_id, VerifyKey(public_key_of(public_key, "The signing key")))
    except (BadSignature, MatrixError) as error:
        raise InvalidSignature(f"There is no valid signature by {key_id}") from error
