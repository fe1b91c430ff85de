"""The specification's own test vectors (appendices) and the worked hashes of its room version pages."""

import json
from pathlib import Path
from typing import Any

import pytest

from homeserver.protocol import canonical_json, signing
from homeserver.protocol.errors import BadSignature, InvalidJson
from homeserver.protocol.room_versions import ROOM_VERSIONS
from homeserver.protocol.signing import VerifyKey

VECTORS = Path(__file__).parent / "vectors"
SIGNING: dict[str, Any] = json.loads((VECTORS / "signing.json").read_text())
CANONICAL: dict[str, Any] = json.loads((VECTORS / "canonical_json.json").read_text())
V1 = ROOM_VERSIONS["1"]


@pytest.fixture
def key() -> signing.SigningKey:
    return signing.SigningKey(SIGNING["key_id"], signing.decode_base64(SIGNING["seed"]))


@pytest.mark.parametrize("text, canonical", CANONICAL["examples"])
def test_canonical_json(text: str, canonical: str) -> None:
    assert canonical_json.encode(canonical_json.parse_strict(text.encode())) == canonical.encode()


def test_an_exponent_is_no_integer_of_strict_json() -> None:
    """The specification's last example writes 1e10 as 10000000000; as an event's content from room version 6 on it is refused instead."""
    with pytest.raises(InvalidJson):
        canonical_json.parse_strict(b'{"a": -0, "b": 1e10}')


@pytest.mark.parametrize(
    "text, encoded",
    [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"), ("foobar", "Zm9vYmFy")],
)
def test_unpadded_base64(text: str, encoded: str) -> None:
    assert signing.encode_base64(text.encode()) == encoded
    assert signing.decode_base64(encoded) == text.encode()
    assert signing.decode_base64(encoded + "=" * (-len(encoded) % 4)) == text.encode()


@pytest.mark.parametrize("vector", SIGNING["json"])
def test_json_signing(vector: dict[str, Any], key: signing.SigningKey) -> None:
    signed = signing.sign_json(vector["value"], SIGNING["server_name"], key)
    assert signed == {**vector["value"], "signatures": {"domain": {"ed25519:1": vector["signature"]}}}
    signing.verify_json(signed, "domain", "ed25519:1", VerifyKey(key.public_key))


@pytest.mark.parametrize("vector", SIGNING["events"])
def test_event_signing(vector: dict[str, Any], key: signing.SigningKey) -> None:
    digest = signing.encode_base64(signing.content_hash(vector["event"], V1))
    assert digest == vector["hash"]
    message = signing.signed_bytes({**vector["event"], "hashes": {"sha256": digest}}, V1)
    assert signing.encode_base64(key.sign(message)) == vector["signature"]


def test_the_signed_key_document_of_the_appendices() -> None:
    """Signing details: `unsigned` is not covered, so it may change without breaking the signature."""
    key = signing.SigningKey("ed25519:1", bytes(range(32)))
    signed = signing.sign_json({"name": "example.org", "unsigned": {"age_ts": 922834800000}}, "example.org", key)
    signing.verify_json({**signed, "unsigned": {"age_ts": 1}}, "example.org", "ed25519:1", VerifyKey(key.public_key))
    with pytest.raises(BadSignature):
        signing.verify_json({**signed, "name": "example.com"}, "example.org", "ed25519:1", VerifyKey(key.public_key))
