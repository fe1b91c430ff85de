"""The redaction algorithm, each version against the lists of its specification page."""

from typing import Any

import pytest
from hypothesis import given

from homeserver.protocol import signing
from homeserver.protocol.event import Event
from homeserver.protocol.redaction import redact, redact_event
from homeserver.protocol.room_versions import ROOM_VERSIONS, RoomVersion
from homeserver.protocol.signing import VerifyKey
from tests.protocol.samples import KEY, SERVER, events, foreign_pdus

V1_TO_5, V6_AND_7, V8, V9_AND_10, V11_AND_12 = ("1", "2", "3", "4", "5"), ("6", "7"), ("8",), ("9", "10"), ("11", "12")
BEFORE_11 = V1_TO_5 + V6_AND_7 + V8 + V9_AND_10
ALL = BEFORE_11 + V11_AND_12
LEVELS = {"ban", "events", "events_default", "kick", "redact", "state_default", "users", "users_default"}

# (type, versions, keys of the content that stay)
TABLE: list[tuple[str, tuple[str, ...], set[str]]] = [
    ("m.room.member", V1_TO_5 + V6_AND_7 + V8, {"membership"}),
    ("m.room.member", V9_AND_10, {"membership", "join_authorised_via_users_server"}),
    ("m.room.member", V11_AND_12, {"membership", "join_authorised_via_users_server", "third_party_invite"}),
    ("m.room.create", BEFORE_11, {"creator"}),
    ("m.room.join_rules", V1_TO_5 + V6_AND_7, {"join_rule"}),
    ("m.room.join_rules", V8 + V9_AND_10 + V11_AND_12, {"join_rule", "allow"}),
    ("m.room.power_levels", BEFORE_11, LEVELS),
    ("m.room.power_levels", V11_AND_12, LEVELS | {"invite"}),
    ("m.room.aliases", V1_TO_5, {"aliases"}),
    ("m.room.aliases", V6_AND_7 + V8 + V9_AND_10 + V11_AND_12, set()),
    ("m.room.history_visibility", ALL, {"history_visibility"}),
    ("m.room.redaction", BEFORE_11, set()),
    ("m.room.redaction", V11_AND_12, {"redacts"}),
    ("m.room.message", ALL, set()),
]
FULL_CONTENT: dict[str, Any] = dict.fromkeys(
    LEVELS
    | {"membership", "join_authorised_via_users_server", "creator", "room_version", "join_rule", "allow", "invite", "aliases"}
    | {"history_visibility", "redacts", "body", "notifications", "additional_creators"},
    1,
) | {"third_party_invite": {"signed": {"token": "t"}, "display_name": "Eve"}}
_TOP_LEVEL_OF_ALL = {"auth_events", "content", "depth", "event_id", "hashes", "origin_server_ts", "prev_events", "room_id", "sender"}
_TOP_LEVEL_OF_ALL |= {"signatures", "state_key", "type"}
FULL_PDU: dict[str, Any] = dict.fromkeys(
    _TOP_LEVEL_OF_ALL | {"membership", "origin", "prev_state", "redacts", "replaces_state", "unsigned", "x.custom"},
    1,
)


@pytest.mark.parametrize("kind, versions, kept", TABLE)
def test_content(kind: str, versions: tuple[str, ...], kept: set[str]) -> None:
    for identifier in versions:
        redacted = redact({**FULL_PDU, "type": kind, "content": FULL_CONTENT}, ROOM_VERSIONS[identifier])
        assert set(redacted["content"]) == kept, identifier


@pytest.mark.parametrize("identifier", V11_AND_12)
def test_a_create_event_keeps_all_content_from_version_11_on(identifier: str) -> None:
    assert redact({**FULL_PDU, "type": "m.room.create", "content": FULL_CONTENT}, ROOM_VERSIONS[identifier])["content"] == FULL_CONTENT


@pytest.mark.parametrize("invite, kept", [({"signed": 1, "display_name": 2}, {"signed": 1}), ({"display_name": 2}, {}), ("x", None)])
def test_a_third_party_invite_keeps_what_was_signed(invite: Any, kept: Any) -> None:
    content = redact({"type": "m.room.member", "content": {"third_party_invite": invite}}, ROOM_VERSIONS["11"])["content"]
    assert content.get("third_party_invite") == kept


@pytest.mark.parametrize("identifier", ALL)
def test_top_level(identifier: str) -> None:
    kept = _TOP_LEVEL_OF_ALL | ({"membership", "origin", "prev_state"} if identifier in BEFORE_11 else set())
    assert set(redact({**FULL_PDU, "type": "m.room.message", "content": {}}, ROOM_VERSIONS[identifier])) == kept


@given(foreign_pdus())
def test_redacting_twice_is_redacting_once(sample: tuple[dict[str, Any], RoomVersion]) -> None:
    pdu, version = sample
    before = repr(pdu)
    once = redact(pdu, version)
    assert redact(once, version) == once
    assert repr(pdu) == before


@given(events())
def test_signature_and_event_id_survive_redaction(event: Event) -> None:
    redacted = redact_event(event)
    assert redacted.event_id == event.event_id
    assert signing.reference_hash(redacted.pdu, event.version) == signing.reference_hash(event.pdu, event.version)
    message = signing.signed_bytes(redacted.pdu, event.version)
    signing.verify_bytes(message, redacted.pdu["signatures"], SERVER, KEY.key_id, VerifyKey(KEY.public_key))
