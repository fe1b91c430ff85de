"""Ed25519 signatures of JSON and of events, their hashes, and the keys that make and verify them.

Specification: appendices, "Signing JSON"; server-server API, "Signing Events"; room version 5, "Signing key validity period".
"""

from homeserver.protocol.signing.sign import (
    content_hash,
    event_id_of,
    key_is_valid_at,
    reference_hash,
    required_signers,
    sign_event,
    sign_json,
    signed_bytes,
    verify_bytes,
    verify_json,
)
from homeserver.protocol.signing.signing_key import ALGORITHM, SEED_BYTES, SigningKey, read_key_file
from homeserver.protocol.signing.unpadded import decode_base64, encode_base64, encode_base64_url
from homeserver.protocol.signing.verify_key import PUBLIC_KEY_BYTES, VerifyKey

__all__ = [
    "ALGORITHM",
    "PUBLIC_KEY_BYTES",
    "SEED_BYTES",
    "SigningKey",
    "VerifyKey",
    "content_hash",
    "decode_base64",
    "encode_base64",
    "encode_base64_url",
    "event_id_of",
    "key_is_valid_at",
    "read_key_file",
    "reference_hash",
    "required_signers",
    "sign_event",
    "sign_json",
    "signed_bytes",
    "verify_bytes",
    "verify_json",
]
