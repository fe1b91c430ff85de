"""Ed25519 signatures of JSON and of events, their hashes, and the keys that make them.

Specification: appendices, "Signing JSON"; server-server API, "Signing Events"; room version 5, "Signing key validity period". What is
signed of an event are the very bytes whose SHA-256 is its reference hash: `signed_bytes`.
"""

import binascii
import hashlib
from collections.abc import Mapping
from typing import Any

from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import CryptoError

from homeserver.protocol.canonical_json import encode, encode_tolerant
from homeserver.protocol.errors import BadSignature, InvalidJson
from homeserver.protocol.event import Event
from homeserver.protocol.ids import server_name_of
from homeserver.protocol.limits import KEY_VALIDITY_CAP_MS
from homeserver.protocol.redaction import redact
from homeserver.protocol.room_versions import RoomVersion

ALGORITHM = "ed25519"
SEED_BYTES = 32
PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64


def encode_base64(data: bytes) -> str:
    """Unpadded base64 with the standard alphabet."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").decode()


def encode_base64_url(data: bytes) -> str:
    """Unpadded base64 with the URL-safe alphabet."""
    return encode_base64(data).replace("+", "-").replace("/", "_")


def decode_base64(text: str) -> bytes:
    """With or without padding, in either alphabet; raises ValueError for other characters."""
    unpadded = text.rstrip("=").replace("-", "+").replace("_", "/")
    return binascii.a2b_base64(unpadded + "=" * (-len(unpadded) % 4), strict_mode=True)


class SigningKey:
    """A private key and its name, such as `ed25519:a_Xy12`; never shown by repr."""

    __slots__ = ("_secret", "key_id", "public_key")

    def __init__(self, key_id: str, seed: bytes) -> None:
        if not key_id.startswith(ALGORITHM + ":") or len(seed) != SEED_BYTES:
            raise ValueError("a signing key needs an ed25519 key ID and a seed of 32 bytes")
        self.key_id = key_id
        self.public_key, self._secret = crypto_sign_seed_keypair(seed)

    @classmethod
    def generate(cls, random_bytes: bytes, version: str) -> "SigningKey":
        """A new key from 32 bytes of the caller's chance, named `ed25519:<version>`."""
        return cls(f"{ALGORITHM}:{version}", random_bytes)

    @property
    def public_base64(self) -> str:
        return encode_base64(self.public_key)

    def sign(self, message: bytes) -> bytes:
        return crypto_sign(message, self._secret)[:SIGNATURE_BYTES]

    def to_line(self) -> str:
        """The line of a key file, as the ecosystem writes it: algorithm, version, unpadded base64 of the seed."""
        return f"{ALGORITHM} {self.key_id.partition(':')[2]} {encode_base64(self._secret[:SEED_BYTES])}\n"

    def __repr__(self) -> str:
        return f"<SigningKey {self.key_id}>"


def read_key_file(text: str) -> tuple[SigningKey, ...]:
    """The keys of a key file, one a line; raises ValueError that names the line, never its content."""
    keys = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        try:
            algorithm, version, seed = words
            keys.append(SigningKey(f"{algorithm}:{version}", decode_base64(seed)))
        except ValueError as error:
            raise ValueError(f"line {number} is no signing key of the form: ed25519 version base64") from error
    return tuple(keys)


def _without_signatures(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if key not in ("signatures", "unsigned")}


def sign_json(value: Mapping[str, Any], server_name: str, key: SigningKey) -> dict[str, Any]:
    """A copy with the signature added to those that are there."""
    signature = encode_base64(key.sign(encode_tolerant(_without_signatures(value))))
    signatures = dict(value.get("signatures", {}))
    signatures[server_name] = {**signatures.get(server_name, {}), key.key_id: signature}
    return {**value, "signatures": signatures}


def verify_bytes(message: bytes, signatures: Any, server_name: str, key_id: str, public_key: bytes) -> None:
    """Raises BadSignature unless `signatures` has one by that server's key over exactly the message."""
    by_server = signatures.get(server_name) if isinstance(signatures, dict) else None
    signature = by_server.get(key_id) if isinstance(by_server, dict) else None
    if not isinstance(signature, str):
        raise BadSignature(f"no signature of {server_name} with {key_id}")
    if not key_id.startswith(ALGORITHM + ":") or len(public_key) != PUBLIC_KEY_BYTES:
        raise BadSignature(f"{key_id} is no key of a known algorithm")
    try:
        raw = decode_base64(signature)
        if len(raw) != SIGNATURE_BYTES:
            raise BadSignature(f"the signature of {server_name} with {key_id} has a wrong length")
        crypto_sign_open(raw + message, public_key)
    except (ValueError, CryptoError) as error:
        raise BadSignature(f"the signature of {server_name} with {key_id} does not match") from error


def verify_json(value: Mapping[str, Any], server_name: str, key_id: str, public_key: bytes) -> None:
    """Raises BadSignature, also for what has no canonical form."""
    try:
        message = encode_tolerant(_without_signatures(value))
    except InvalidJson as error:
        raise BadSignature("what is signed has no canonical JSON") from error
    verify_bytes(message, value.get("signatures"), server_name, key_id, public_key)


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
