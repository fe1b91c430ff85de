"""Received PDUs: what is taken, what is refused, what is redacted."""

from typing import Any

import pytest
from canonicaljson import encode_canonical_json
from hypothesis import given
from hypothesis import strategies as st

from homeserver.protocol import signing
from homeserver.protocol.errors import EventTooLarge, InvalidEvent, InvalidJson, ProtocolError
from homeserver.protocol.event import Draft
from homeserver.protocol.event_format import parse, receive
from homeserver.protocol.limits import MAX_EVENT_BYTES
from homeserver.protocol.redaction import redact
from homeserver.protocol.room_versions import ROOM_VERSIONS, RoomVersion
from homeserver.protocol.signing import VerifyKey
from tests.protocol.samples import ALICE, KEY, SERVER, built, event_ids, events, foreign_pdus, json_values, reencoded, tolerated_numbers

ALL = pytest.mark.parametrize("version", ROOM_VERSIONS.values(), ids=lambda version: version.identifier)
V1, V5, V6, V11, V12 = (ROOM_VERSIONS[identifier] for identifier in ("1", "5", "6", "11", "12"))


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing()


def hashed(pdu: dict[str, Any], version: RoomVersion) -> dict[str, Any]:
    return {**pdu, "hashes": {"sha256": signing.encode_base64(signing.content_hash(pdu, version))}}


def sample(version: RoomVersion, **changes: Any) -> dict[str, Any]:
    """A good message, changed and hashed again; MISSING takes a member away."""
    pdu: dict[str, Any] = built(Draft("m.room.message", ALICE, {"body": "hello"}), version).pdu
    return {name: value for name, value in {**pdu, **changes}.items() if value is not MISSING}


@ALL
def test_a_good_event_is_taken_as_it_is(version: RoomVersion) -> None:
    event = built(Draft("m.room.name", ALICE, {"name": "x"}, state_key=""), version)
    received = receive(reencoded({**event.pdu, "unsigned": {"age": 5, "redacted_because": {}}}), version, room_id=event.room_id)
    assert received.hash_matches
    assert received.event.pdu == event.pdu
    for name in ("event_id", "room_id", "type", "sender", "state_key", "content", "depth", "prev_events", "auth_events", "redacts"):
        assert getattr(received.event, name) == getattr(event, name), name


@ALL
def test_other_content_than_was_hashed_is_redacted_and_still_signed(version: RoomVersion) -> None:
    event = built(Draft("m.room.member", ALICE, {"membership": "join", "displayname": "Alice"}, state_key=ALICE), version)
    forged = {**event.pdu, "content": {"membership": "join", "displayname": "Eve"}}
    received = receive(forged, version)
    assert not received.hash_matches
    assert received.event.event_id == event.event_id
    assert received.event.content == {"membership": "join"}
    assert received.event.pdu == redact(event.pdu, version)
    signing.verify_bytes(received.signed_bytes, forged["signatures"], SERVER, KEY.key_id, VerifyKey(KEY.public_key))


@given(foreign_pdus())
def test_unknown_members_count_for_the_content_hash(sample: tuple[dict[str, Any], RoomVersion]) -> None:
    pdu, version = sample
    received = receive(hashed(pdu, version), version)
    assert received.hash_matches
    assert received.event.pdu == hashed(pdu, version)


def test_an_event_id_is_computed_and_never_believed() -> None:
    with pytest.raises(InvalidEvent):
        parse(sample(V12, event_id="$alices_message"), V12)


@ALL
@pytest.mark.parametrize(
    "changes",
    [
        {"type": MISSING},
        {"type": None},
        {"type": 1},
        {"type": "a\0"},
        {"state_key": None},
        {"state_key": 1},
        {"state_key": "\0"},
        {"sender": MISSING},
        {"sender": "alice"},
        {"sender": "@alice"},
        {"sender": ["@alice:hs"]},
        {"content": MISSING},
        {"content": []},
        {"content": "x"},
        {"content": None},
        {"depth": MISSING},
        {"depth": -1},
        {"depth": 2**63},
        {"depth": True},
        {"depth": "12"},
        {"depth": 1.5},
        {"depth": 1.0},
        {"depth": None},
        {"origin_server_ts": MISSING},
        {"origin_server_ts": 2**63},
        {"origin_server_ts": 1.5},
        {"origin_server_ts": True},
        {"origin_server_ts": "1"},
        {"room_id": MISSING},
        {"room_id": 1},
        {"room_id": "room"},
        {"room_id": "!a:"},
        {"hashes": MISSING},
        {"hashes": []},
        {"hashes": {}},
        {"hashes": {"sha256": 1}},
        {"hashes": {"sha256": "!"}},
        {"signatures": MISSING},
        {"signatures": []},
        {"signatures": {"hs": 1}},
        {"signatures": {"hs": {"ed25519:1": 1}}},
        {"prev_events": MISSING},
        {"prev_events": {}},
        {"prev_events": [1]},
        {"prev_events": [["$a:hs"]]},
        {"prev_events": [["$a:hs", {}, {}]]},
        {"prev_events": [["$a:hs", "hash"]]},
        {"prev_events": [[1, {}]]},
        {"prev_events": ["no event ID"]},
        {"auth_events": None},
        {"auth_events": [{}]},
    ],
    ids=repr,
)
def test_malformed_events_are_refused(version: RoomVersion, changes: dict[str, Any]) -> None:
    with pytest.raises((InvalidEvent, InvalidJson)):
        parse(sample(version, **changes), version)


@pytest.mark.parametrize("depth, old, new", [(2**53 - 1, True, True), (2**53, True, False), (2**63 - 1, True, False)])
def test_depth_goes_further_in_old_versions(depth: int, old: bool, new: bool) -> None:
    for version, accepted in ((V5, old), (V6, new)):
        pdu = sample(version, depth=depth)
        if accepted:
            assert parse(pdu, version).depth == depth
        else:
            with pytest.raises(InvalidJson):
                parse(pdu, version)


@pytest.mark.parametrize("number", [1.5, 1e3, 2**53, -(2**53)])
def test_numbers_are_strict_from_version_6_on_and_anywhere_in_the_event(number: float) -> None:
    pdu = hashed(sample(V5, content={"a": [number]}, **{"x.extra": {"b": number}}), V5)
    assert parse(pdu, V5).content == {"a": [number]}
    for changes in ({"content": {"a": [number]}}, {"x.extra": {"b": number}}, {"hashes": {"sha256": "", "other": number}}):
        with pytest.raises(InvalidJson):
            parse(sample(V6, **changes), V6)


def test_unsigned_data_is_not_judged() -> None:
    assert "unsigned" not in parse({**sample(V6), "unsigned": {"age": 1.5}}, V6).pdu


@pytest.mark.parametrize("version, room_id", [(V12, "!old:hs"), (V11, "!" + "a" * 43), (V1, "!" + "a" * 43)])
def test_room_ids_of_another_version_are_refused(version: RoomVersion, room_id: str) -> None:
    with pytest.raises(InvalidEvent):
        parse(hashed(sample(version, room_id=room_id), version), version)


def test_a_create_event_of_version_12_names_no_room() -> None:
    create = built(Draft("m.room.create", ALICE, {"room_version": "12"}, state_key=""), V12)
    assert parse(create.pdu, V12, room_id=create.room_id).room_id == create.room_id
    with pytest.raises(InvalidEvent):
        parse({**create.pdu, "room_id": create.room_id}, V12)
    with pytest.raises(InvalidEvent):
        parse(create.pdu, V12, room_id="!other")


def test_an_event_of_another_room_is_refused() -> None:
    with pytest.raises(InvalidEvent):
        parse(sample(V11), V11, room_id="!other:hs")


@pytest.mark.parametrize("event_id", [MISSING, 1, "$nodomain", "x:hs", "$a\0:hs", "$" + "a" * 255 + ":hs"])
def test_chosen_event_ids_have_their_form(event_id: Any) -> None:
    with pytest.raises(InvalidEvent):
        parse(sample(V1, event_id=event_id), V1)


@ALL
def test_counts(version: RoomVersion) -> None:
    def cited(count: int) -> list[Any]:
        ids = event_ids(version, *range(count))
        return [[event_id, {"sha256": "x"}] for event_id in ids] if version.references_with_hashes else ids

    parse(sample(version, prev_events=cited(20), auth_events=cited(10)), version)
    for changes in ({"prev_events": cited(21)}, {"auth_events": cited(11)}):
        with pytest.raises(InvalidEvent):
            parse(sample(version, **changes), version)


@pytest.mark.parametrize("letter", ["x", "ü"])
def test_sizes_count_bytes(letter: str) -> None:
    fits = letter * (254 // len(letter.encode()))
    for name in ("type", "state_key"):
        parse(sample(V11, **{name: fits}), V11)
        with pytest.raises(EventTooLarge):
            parse(sample(V11, **{name: fits + "xx"}), V11)
    with pytest.raises(InvalidEvent):
        parse(sample(V11, sender=f"@{fits}:hs"), V11)


def test_the_whole_event_has_a_limit() -> None:
    room = MAX_EVENT_BYTES - len(encode_canonical_json(sample(V11, content={"body": ""})))
    parse(sample(V11, content={"body": "x" * room}), V11)
    with pytest.raises(EventTooLarge):
        parse(sample(V11, content={"body": "x" * (room + 1)}), V11)


@pytest.mark.parametrize("pdu", [None, [], "x", 1, {}])
def test_what_is_no_event(pdu: Any) -> None:
    with pytest.raises(InvalidEvent):
        parse(pdu, V12)


@given(events(), st.data())
def test_a_mutated_event_is_taken_or_refused_but_never_breaks_the_parser(event: Any, data: st.DataObject) -> None:
    pdu = reencoded(event.pdu)
    values = json_values(st.integers() | tolerated_numbers) | st.sampled_from(["\ud800", "$x", "@a:b", "!c:d"])
    for name in data.draw(st.lists(st.sampled_from([*pdu, "event_id", "redacts", "unsigned", "new"]), min_size=1, max_size=3)):
        pdu[name] = data.draw(values)
    try:
        parsed = parse(pdu, event.version)
    except ProtocolError:
        return
    assert parsed.event_id.startswith("$")
    assert isinstance(parsed.content, dict)
