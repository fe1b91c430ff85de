"""What is signed and hashed of JSON and of events, and whether a signature holds.

What is signed of an event are the very bytes whose SHA-256 is its reference hash: `signed_bytes`.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from homeserver.protocol.canonical_json import encode, encode_tolerant
from homeserver.protocol.errors import BadSignature, InvalidJson
from homeserver.protocol.event import Event
from homeserver.protocol.ids import server_name_of
from homeserver.protocol.limits import KEY_VALIDITY_CAP_MS
from homeserver.protocol.redaction import redact
from homeserver.protocol.room_versions import RoomVersion
from homeserver.protocol.signing.signing_key import ALGORITHM, SigningKey
from homeserver.protocol.signing.unpadded import decode_base64, encode_base64, encode_base64_url
from homeserver.protocol.signing.verify_key import VerifyKey


def _without_signatures(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if key not in ("signatures", "unsigned")}


def sign_json(value: Mapping[str, Any], server_name: str, key: SigningKey) -> dict[str, Any]:
    """A copy with the signature added to those that are there."""
    signature = encode_base64(key.sign(encode_tolerant(_without_signatures(value))))
    signatures = dict(value.get("signatures", {}))
    signatures[server_name] = {**signatures.get(server_name, {}), key.key_id: signature}
    return {**value, "signatures": signatures}


def verify_bytes(message: bytes, signatures: Any, server_name: str, key_id: str, key: VerifyKey) -> None:
    """Raises BadSignature unless `signatures` has one by that server's key over exactly the message."""
    by_server = signatures.get(server_name) if isinstance(signatures, dict) else None
    signature = by_server.get(key_id) if isinstance(by_server, dict) else None
    if not isinstance(signature, str):
        raise BadSignature(f"no signature of {server_name} with {key_id}")
    if not key_id.startswith(ALGORITHM + ":"):
        raise BadSignature(f"{key_id} is no key of a known algorithm")
    try:
        raw = decode_base64(signature)
    except ValueError as error:
        raise BadSignature(f"the signature of {server_name} with {key_id} is no base64") from error
    if not key.verifies(message, raw):
        raise BadSignature(f"the signature of {server_name} with {key_id} does not match")


def verify_json(value: Mapping[str, Any], server_name: str, key_id: str, key: VerifyKey) -> None:
    """Raises BadSignature, also for what has no canonical form."""
    try:
        message = encode_tolerant(_without_signatures(value))
    except InvalidJson as error:
        raise BadSignature("what is signed has no canonical JSON") from error
    verify_bytes(message, value.get("signatures"), server_name, key_id, key)


def content_hash(pdu: Mapping[str, Any], version: RoomVersion) -> bytes:
    """SHA-256 over the whole event but `hashes`, `signatures` and `unsigned`."""
    rest = {key: value for key, value in pdu.items() if key not in ("hashes", "signatures", "unsigned")}
    return hashlib.sha256(encode(rest) if version.strict_canonical_json else encode_tolerant(rest)).digest()


def signed_bytes(pdu: Mapping[str, Any], version: RoomVersion) -> bytes:
    """The redacted event without `signatures` and `unsigned`: what is signed, and what the reference hash is of."""
    kept = redact(pdu, version)
    kept.pop("signatures", None)
    return encode(kept) if version.strict_canonical_json else encode_tolerant(kept)


def reference_hash(pdu: Mapping[str, Any], version: RoomVersion) -> bytes:
    return hashlib.sha256(signed_bytes(pdu, version)).digest()


def event_id_of(hashed: bytes, version: RoomVersion) -> str:
    """The event ID that a reference hash makes, from room version 3 on."""
    return "$" + (encode_base64_url(hashed) if version.event_id == "url_safe_reference_hash" else encode_base64(hashed))


def sign_event(event: Event, server_name: str, key: SigningKey) -> Event:
    """The event with one more signature, as invites and restricted joins need; its ID does not change."""
    signature = encode_base64(key.sign(signed_bytes(event.pdu, event.version)))
    signatures = dict(event.pdu["signatures"])
    signatures[server_name] = {**signatures.get(server_name, {}), key.key_id: signature}
    pdu = {**event.pdu, "signatures": signatures}
    return Event.from_pdu(pdu, event_id=event.event_id, room_id=event.room_id, version=event.version)


def required_signers(event: Event) -> frozenset[str]:
    """The servers whose signature a received event must carry (server-server API, "Validating hashes and signatures")."""
    signers = set()
    content, membership = event.content, event.content.get("membership") if event.type == "m.room.member" else None
    if not (membership == "invite" and "third_party_invite" in content):
        signers.add(server_name_of(event.sender))
    if event.version.event_id == "server_chosen":
        signers.add(server_name_of(event.event_id))
    if event.version.restricted_joins and membership == "join":
        authoriser = content.get("join_authorised_via_users_server")
        if isinstance(authoriser, str):
            signers.add(server_name_of(authoriser))
    return frozenset(signers)


def key_is_valid_at(version: RoomVersion, valid_until_ts: int, origin_server_ts: int, now_ms: int) -> bool:
    """Whether a key may vouch for an event of that time; a claim of validity counts at most seven days ahead of now."""
    if not version.enforce_key_validity:
        return True
    return origin_server_ts <= min(valid_until_ts, now_ms + KEY_VALIDITY_CAP_MS)
