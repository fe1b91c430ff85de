"""Building: the joined bytes agree with the general functions, in every room version, and every limit holds."""

from typing import Any

import pytest
from canonicaljson import encode_canonical_json
from hypothesis import given

from homeserver.protocol import event_bytes, event_format, signing
from homeserver.protocol.errors import EventTooLarge, InvalidEvent, InvalidJson
from homeserver.protocol.event import Draft, Event
from homeserver.protocol.event_build import Reference, build, reference_to
from homeserver.protocol.limits import MAX_DEPTH, MAX_EVENT_BYTES, MAX_INTEGER
from homeserver.protocol.room_versions import ROOM_VERSIONS, RoomVersion
from homeserver.protocol.signing import VerifyKey
from tests.protocol.samples import ALICE, KEY, NOW, SERVER, built, events, references

ALL = pytest.mark.parametrize("version", ROOM_VERSIONS.values(), ids=lambda version: version.identifier)
V10, V12 = ROOM_VERSIONS["10"], ROOM_VERSIONS["12"]


@given(events())
def test_what_is_built_is_what_the_general_functions_say(event: Event) -> None:
    version, pdu = event.version, event.pdu
    assert signing.encode_base64(signing.content_hash(pdu, version)) == pdu["hashes"]["sha256"]
    message = signing.signed_bytes(pdu, version)
    signing.verify_bytes(message, pdu["signatures"], SERVER, KEY.key_id, VerifyKey(KEY.public_key))
    if version.event_id != "server_chosen":
        assert event.event_id == signing.event_id_of(signing.reference_hash(pdu, version), version)
    received = event_format.receive(pdu, version, room_id=event.room_id)
    assert received.hash_matches
    assert received.event.event_id == event.event_id
    assert received.signed_bytes == message


@given(events())
def test_the_prepared_pieces_are_those_of_a_fresh_split(event: Event) -> None:
    assert event.encoded is not None
    prepared, event.encoded = event.encoded, None
    assert event_bytes.split(event) == prepared


@ALL
def test_an_event_says_what_the_draft_said(version: RoomVersion) -> None:
    event = built(Draft("m.room.topic", ALICE, {"topic": "lunch"}, state_key=""), version)
    assert (event.type, event.sender, event.state_key, event.content) == ("m.room.topic", ALICE, "", {"topic": "lunch"})
    assert (event.origin_server_ts, event.depth, event.address) == (NOW, 5, ("m.room.topic", ""))
    assert [len(event.prev_events), len(event.auth_events)] == [2, 3]
    later = built(Draft("m.room.message", ALICE, {}, origin_server_ts=7), version, depth=MAX_INTEGER + 5)
    assert (later.origin_server_ts, later.depth, later.is_state) == (7, MAX_DEPTH, False)


@ALL
def test_redactions_name_their_target_where_the_version_has_it(version: RoomVersion) -> None:
    event = built(Draft("m.room.redaction", ALICE, {"reason": "spam"}, redacts="$target:hs"), version)
    place = event.content if version.redacts_in_content else event.pdu
    assert place["redacts"] == event.redacts == "$target:hs"
    assert ("redacts" in event.pdu) != ("redacts" in event.content)


def test_the_room_of_version_12_is_named_by_its_create_event() -> None:
    create = built(Draft("m.room.create", ALICE, {"room_version": "12"}, state_key=""), V12)
    assert "room_id" not in create.pdu
    assert create.room_id == "!" + create.event_id[1:]


@pytest.mark.parametrize("identifier", ["1", "2"])
def test_old_versions_cite_by_id_and_hash(identifier: str) -> None:
    version = ROOM_VERSIONS[identifier]
    first = built(Draft("m.room.create", ALICE, {"creator": ALICE}, state_key=""), version)
    second = _build(version, prev_events=[first], auth_events=[reference_to(first)], event_id="$second:hs", room_id=first.room_id)
    digest = signing.encode_base64(signing.reference_hash(first.pdu, version))
    assert second.pdu["prev_events"] == second.pdu["auth_events"] == [[first.event_id, {"sha256": digest}]]
    assert second.prev_events == (first.event_id,)
    with pytest.raises(InvalidEvent):
        _build(version, prev_events=[Reference("$x:hs")], auth_events=[], event_id="$second:hs")


def _build(version: RoomVersion, draft: Draft | None = None, **changes: Any) -> Event:
    arguments: dict[str, Any] = {"room_id": f"!r:{SERVER}", "prev_events": [], "auth_events": [], "depth": 1, "now_ms": NOW}
    arguments |= {"server_name": SERVER, "key": KEY, "version": version} | changes
    return build(draft or Draft("m.room.message", ALICE, {}), **arguments)


def _filled(size: int, letter: str = "x") -> Event:
    """An event whose canonical PDU is that large."""
    empty = _build(V10, Draft("m.room.message", ALICE, {"body": ""}))
    room = size - len(encode_canonical_json(empty.pdu))
    return _build(
        V10, Draft("m.room.message", ALICE, {"body": letter * (room // len(letter.encode())) + "x" * (room % len(letter.encode()))})
    )


@pytest.mark.parametrize("letter", ["x", "é", "😀"])
def test_the_size_limit_is_exact_and_counts_bytes(letter: str) -> None:
    for size in (MAX_EVENT_BYTES - 1, MAX_EVENT_BYTES):
        assert len(encode_canonical_json(_filled(size, letter).pdu)) == size
    with pytest.raises(EventTooLarge):
        _filled(MAX_EVENT_BYTES + 1, letter)


@pytest.mark.parametrize("field", ["type", "state_key"])
@pytest.mark.parametrize("letter", ["x", "é", "😀"])
def test_the_field_limits_are_exact_and_count_bytes(field: str, letter: str) -> None:
    fits = letter * (255 // len(letter.encode())) + "x" * (255 % len(letter.encode()))
    draft = Draft("t", ALICE, {})
    _build(V10, draft._replace(**{field: fits}))  # type: ignore[arg-type]
    with pytest.raises(EventTooLarge):
        _build(V10, draft._replace(**{field: fits + "x"}))  # type: ignore[arg-type]


def test_the_number_of_cited_events_is_limited() -> None:
    _build(V10, prev_events=references(V10, *range(20)), auth_events=references(V10, *range(10)))
    with pytest.raises(InvalidEvent):
        _build(V10, prev_events=references(V10, *range(21)))
    with pytest.raises(InvalidEvent):
        _build(V10, auth_events=references(V10, *range(11)))


def _nested(levels: int) -> dict[str, Any]:
    return {"a": _nested(levels - 1)} if levels > 1 else {}


@pytest.mark.parametrize("content", [{"a": 1.5}, {"a": [MAX_INTEGER + 1]}, {"a": "\ud800"}, {"a": float("nan")}, _nested(100)])
def test_content_without_canonical_form_is_refused(content: dict[str, Any]) -> None:
    with pytest.raises(InvalidJson):
        _build(V10, Draft("m.room.message", ALICE, content))


def test_content_may_be_nested_as_deep_as_others_accept_it_from_us() -> None:
    event = _build(V10, Draft("m.room.message", ALICE, _nested(99)))
    assert event_format.parse(event.pdu, V10).event_id == event.event_id


def test_old_versions_tolerate_floats_and_big_integers() -> None:
    content = {"a": 1e-7, "b": 2**80, "c": 1.0}
    event = _build(ROOM_VERSIONS["5"], Draft("m.room.message", ALICE, content))
    assert event_bytes.split(event)[0].startswith(b'"content":{"a":1e-07,"b":1208925819614629174706176,"c":1.0},')
    assert event_format.parse(event.pdu, event.version).content == content


@pytest.mark.parametrize(
    "draft, changes, error",
    [
        (Draft("a\0b", ALICE, {}), {}, InvalidEvent),
        (Draft("t", ALICE, {}, state_key="\0"), {}, InvalidEvent),
        (Draft("\ud800", ALICE, {}), {}, InvalidJson),
        (Draft("t", ALICE, {}, origin_server_ts=2**53), {}, InvalidEvent),
        (Draft("t", ALICE, {}), {"room_id": None}, InvalidEvent),
        (Draft("m.room.create", ALICE, {}, state_key=""), {"version": V12}, InvalidEvent),
        (Draft("t", ALICE, {}), {"event_id": "$chosen:hs"}, InvalidEvent),
        (Draft("t", ALICE, {}), {"version": ROOM_VERSIONS["1"]}, InvalidEvent),
        (Draft("t", "@" + "a" * 255, {}), {}, EventTooLarge),
        (Draft("t", ALICE, {}), {"room_id": "!" + "a" * 255}, EventTooLarge),
    ],
)
def test_what_cannot_be_built(draft: Draft, changes: dict[str, Any], error: type[Exception]) -> None:
    version = changes.pop("version", V10)
    with pytest.raises(error):
        _build(version, draft, **changes)


@pytest.mark.parametrize("version", [V10, ROOM_VERSIONS["5"]])
def test_what_is_remembered_of_state_is_what_was_signed(version: RoomVersion) -> None:
    class Name(str):
        __slots__ = ()

    users = {Name(ALICE): 100}
    event = _build(version, Draft("m.room.power_levels", ALICE, {"users": users}, state_key=""))
    users[Name("@other:hs")] = 50
    assert event.content == {"users": {ALICE: 100}}
    assert [type(user) for user in event.content["users"]] == [str]
