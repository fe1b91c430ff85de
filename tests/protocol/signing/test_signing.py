"""Signatures, hashes, keys and their files."""

from typing import Any

import pytest
import signedjson.key
import signedjson.sign
from hypothesis import given
from hypothesis import strategies as st

from homeserver.protocol import signing
from homeserver.protocol.errors import BadSignature
from homeserver.protocol.event import Draft
from homeserver.protocol.limits import KEY_VALIDITY_CAP_MS
from homeserver.protocol.room_versions import ROOM_VERSIONS
from homeserver.protocol.signing import SigningKey, VerifyKey
from tests.protocol.samples import ALICE, KEY, SERVER, built, reencoded, text, tolerated_values

objects = st.dictionaries(text, tolerated_values, max_size=4)


@given(objects)
def test_json_signatures_equal_the_reference_library(value: dict[str, Any]) -> None:
    theirs = signedjson.key.decode_signing_key_base64("ed25519", "a_test", signing.encode_base64(bytes(range(32))))
    value = {key: item for key, item in value.items() if key not in ("signatures", "unsigned")}
    ours = signing.sign_json(value, SERVER, KEY)
    assert ours == signedjson.sign.sign_json(dict(value), SERVER, theirs)
    signing.verify_json(ours, SERVER, KEY.key_id, VerifyKey(KEY.public_key))


def test_base64_is_read_in_both_alphabets_and_written_in_the_one_that_is_asked_for() -> None:
    data = b"\xfb\xff\xfe" * 3
    assert signing.encode_base64(data) == "+//++//++//+"
    assert signing.encode_base64_url(data) == "-__--__--__-"
    assert signing.decode_base64("+//++//++//+") == signing.decode_base64("-__--__--__-") == data
    for bad in ("A", "AA!A", "AA AA", "A=AA", "ÄÄ", "AAA\n"):
        with pytest.raises(ValueError):
            signing.decode_base64(bad)


def test_a_second_signature_keeps_the_first() -> None:
    other = SigningKey("ed25519:b", bytes(32))
    signed = signing.sign_json(signing.sign_json({"a": 1}, SERVER, KEY), "hs2", other)
    signing.verify_json(signed, SERVER, KEY.key_id, VerifyKey(KEY.public_key))
    signing.verify_json(signed, "hs2", "ed25519:b", VerifyKey(other.public_key))


SIGNED = signing.sign_json({"a": 1}, SERVER, KEY)
GOOD = SIGNED["signatures"][SERVER][KEY.key_id]


@pytest.mark.parametrize(
    "signatures",
    [
        None,
        [],
        {},
        {SERVER: None},
        {SERVER: {}},
        {SERVER: {KEY.key_id: 1}},
        {SERVER: {KEY.key_id: ""}},
        {SERVER: {KEY.key_id: GOOD[:-4]}},
        {SERVER: {KEY.key_id: GOOD + "AAAA"}},
        {SERVER: {KEY.key_id: "A" * 86}},
        {SERVER: {KEY.key_id: "é" * 86}},
        {SERVER: {KEY.key_id: "\ud800"}},
        {SERVER: {"ed25519:other": GOOD}},
        {"hs2": {KEY.key_id: GOOD}},
    ],
)
def test_bad_signatures(signatures: Any) -> None:
    with pytest.raises(BadSignature):
        signing.verify_json({"a": 1, "signatures": signatures}, SERVER, KEY.key_id, VerifyKey(KEY.public_key))


def test_wrong_keys_and_values_do_not_verify() -> None:
    with pytest.raises(BadSignature):
        signing.verify_json({**SIGNED, "a": 2}, SERVER, KEY.key_id, VerifyKey(KEY.public_key))
    with pytest.raises(BadSignature):
        signing.verify_json({**SIGNED, "b": float("nan")}, SERVER, KEY.key_id, VerifyKey(KEY.public_key))
    with pytest.raises(BadSignature):
        signing.verify_json(SIGNED, SERVER, KEY.key_id, VerifyKey(bytes(32)))
    with pytest.raises(BadSignature):
        signing.verify_json(SIGNED, SERVER, KEY.key_id, VerifyKey(b"short"))


def test_key_files() -> None:
    line = KEY.to_line()
    assert line == "ed25519 a_test AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"
    (theirs,) = signedjson.key.read_signing_keys([line])
    first, second = signing.read_key_file(line + "\n" + SigningKey.generate(bytes(32), "b").to_line())
    assert (first.key_id, first.public_key, first.public_base64) == (KEY.key_id, KEY.public_key, KEY.public_base64)
    assert theirs.verify_key.encode() == first.public_key
    assert second.key_id == "ed25519:b"


@pytest.mark.parametrize("bad", ["ed25519 lonely", "rsa a AAAA", "ed25519 a AAAA", "ed25519 a !!!!", "too many words here"])
def test_a_bad_key_file_names_the_line_but_not_the_secret(bad: str) -> None:
    with pytest.raises(ValueError, match="line 2") as caught:
        signing.read_key_file(KEY.to_line() + bad)
    assert bad.rsplit(maxsplit=1)[-1] not in str(caught.value)


def test_a_key_does_not_show_its_secret() -> None:
    assert repr(KEY) == "<SigningKey ed25519:a_test>"


@pytest.mark.parametrize(
    "version, valid_until, sent, valid",
    [
        ("4", 0, 100, True),
        ("5", 100, 100, True),
        ("5", 99, 100, False),
        ("12", 10**15, KEY_VALIDITY_CAP_MS + 50, True),
        ("12", 10**15, KEY_VALIDITY_CAP_MS + 51, False),
    ],
)
def test_key_validity(version: str, valid_until: int, sent: int, valid: bool) -> None:
    assert signing.key_is_valid_at(ROOM_VERSIONS[version], valid_until, sent, now_ms=50) is valid


MEMBER = {"membership": "join"}


@pytest.mark.parametrize(
    "version, kind, content, signers",
    [
        ("12", "m.room.message", {}, {SERVER}),
        ("12", "m.room.member", {**MEMBER, "join_authorised_via_users_server": "@bob:hs2"}, {SERVER, "hs2"}),
        ("7", "m.room.member", {**MEMBER, "join_authorised_via_users_server": "@bob:hs2"}, {SERVER}),
        ("12", "m.room.member", {"membership": "leave", "join_authorised_via_users_server": "@bob:hs2"}, {SERVER}),
        ("12", "m.room.member", {"membership": "invite", "third_party_invite": {}}, set()),
        ("1", "m.room.member", {"membership": "invite", "third_party_invite": {}}, {SERVER}),
        ("1", "m.room.message", {}, {SERVER}),
    ],
)
def test_required_signers(version: str, kind: str, content: dict[str, Any], signers: set[str]) -> None:
    event = built(Draft(kind, ALICE, content, state_key=ALICE if kind == "m.room.member" else None), ROOM_VERSIONS[version])
    assert signing.required_signers(event) == signers


@pytest.mark.parametrize("version", ROOM_VERSIONS.values(), ids=lambda version: version.identifier)
def test_countersigning_an_event_keeps_its_id_and_both_signatures(version: Any) -> None:
    event = built(Draft("m.room.member", ALICE, {"membership": "invite"}, state_key="@bob:hs2"), version)
    other = SigningKey("ed25519:b", bytes(32))
    signed = signing.sign_event(event, "hs2", other)
    assert signed.event_id == event.event_id
    message = signing.signed_bytes(reencoded(signed.pdu), version)
    signing.verify_bytes(message, signed.pdu["signatures"], SERVER, KEY.key_id, VerifyKey(KEY.public_key))
    signing.verify_bytes(message, signed.pdu["signatures"], "hs2", "ed25519:b", VerifyKey(other.public_key))
