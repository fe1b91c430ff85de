"""A server's published keys: checked, and brought together with what is known of it. Pure.

Server-server API, "Retrieving server keys". A document counts when it is signed by the server it speaks of and is not past; a key counts when its holder
signed the document with it; and the first bytes under an ID stay until their time has passed, so nobody slips in others.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from federation.errors import BadAnswer
from federation.store import KnownKey
from homeserver.protocol.errors import BadSignature
from homeserver.protocol.limits import KEY_VALIDITY_CAP_MS, MAX_INTEGER
from homeserver.protocol.signing import ALGORITHM, PUBLIC_KEY_BYTES, VerifyKey, decode_base64, verify_json

MOST_KEYS: Final = 100  # of one document
MOST_KEY_ID: Final = 255
# Both halves of these are known to everybody: CVE-2026-24044.
LEAKED: Final = frozenset({decode_base64("l/O9hxMVKB6Lg+3Hqf0FQQZhVESQcMzbPN1Cz2nM3og")})


class BadDocument(BadAnswer):
    default_message = "The server's keys cannot be believed"


class Document(NamedTuple):
    server_name: str
    keys: tuple[KnownKey, ...]
    valid_until_ms: int


def read_document(value: Any, server_name: str, now_ms: int, denied: frozenset[bytes] = LEAKED, *, past: bool = False) -> Document:
    """Raises BadDocument. `past`: one whose time is over is taken, too, for events of its time: the server may be gone."""
    if not isinstance(value, dict) or value.get("server_name") != server_name:
        raise BadDocument("The keys are not those of the server that was asked for")
    valid_until = _timestamp(value.get("valid_until_ts"))
    if valid_until is None:
        raise BadDocument("It is not said how long the keys are valid")
    until_ms = min(valid_until, now_ms + KEY_VALIDITY_CAP_MS)
    if until_ms <= now_ms and not past:
        raise BadDocument("The keys are no longer valid")
    present = [KnownKey(server_name, key_id, public, until_ms, retired=False) for key_id, public, _ in _entries(value, "verify_keys")]
    proven = [key for key in present if _signed(value, key) and key.public_key not in denied]
    if not proven:
        raise BadDocument("The keys are not signed by any that may be believed")
    ids = {key.key_id for key in present}
    old = [
        KnownKey(server_name, key_id, public, expired_ms, retired=True)
        for key_id, public, entry in _entries(value, "old_verify_keys")
        if (expired_ms := _timestamp(entry.get("expired_ts"))) is not None and key_id not in ids and public not in denied
    ]
    return Document(server_name, (*proven, *old), until_ms)


def merge(known: Iterable[KnownKey], document: Document, now_ms: int) -> list[KnownKey]:
    """The keys of the document that are to be written: what contradicts a key that is still valid is left out, and a retired key stays retired."""
    by_id = {key.key_id: key for key in known}
    taken = []
    for key in document.keys:
        before = by_id.get(key.key_id)
        if before is not None and before.public_key != key.public_key and (before.until_ms > now_ms or before.retired):
            continue
        if before is not None and before.retired and before.public_key == key.public_key and before.until_ms <= key.until_ms:
            continue
        if before != key:
            taken.append(key)
    return taken


def _entries(value: Mapping[str, Any], name: str) -> Iterable[tuple[str, bytes, dict[str, Any]]]:
    """Key IDs of a known algorithm with keys of the right length."""
    entries = value.get(name)
    if not isinstance(entries, dict):
        return
    for key_id, entry in list(entries.items())[:MOST_KEYS]:
        if not key_id.startswith(ALGORITHM + ":") or len(key_id) > MOST_KEY_ID or not isinstance(entry, dict):
            continue
        public = _public_key(entry.get("key"))
        if public is not None:
            yield key_id, public, entry


def _public_key(text: Any) -> bytes | None:
    if not isinstance(text, str):
        return None
    try:
        public = decode_base64(text)
    except ValueError:
        return None
    return public if len(public) == PUBLIC_KEY_BYTES else None


def _signed(value: Mapping[str, Any], key: KnownKey) -> bool:
    try:
        verify_json(value, key.server_name, key.key_id, VerifyKey(key.public_key))
    except BadSignature:
        return False
    return True


def _timestamp(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_INTEGER else None
