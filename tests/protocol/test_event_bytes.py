"""Events as stored bytes: nothing is lost between event, pieces, PDU and client event."""

from typing import Any

import orjson
import pytest
from hypothesis import given

from homeserver.protocol import canonical_json, event_bytes, event_format
from homeserver.protocol.event import Draft, Event
from homeserver.protocol.redaction import redact_event
from homeserver.protocol.room_versions import ROOM_VERSIONS, RoomVersion
from tests.protocol.samples import ALICE, built, events, foreign_pdus

ALL = pytest.mark.parametrize("version", ROOM_VERSIONS.values(), ids=lambda version: version.identifier)
CLIENT_KEYS = {"content", "event_id", "origin_server_ts", "redacts", "room_id", "sender", "state_key", "type", "unsigned"}


@given(foreign_pdus())
def test_split_and_join_give_the_same_pdu(sample: tuple[dict[str, Any], RoomVersion]) -> None:
    event = event_format.parse(*sample)
    body, links = event_bytes.split(event)
    joined = event_bytes.pdu(body, links)
    assert canonical_json.parse(joined, exact_integers=True) == event.pdu
    loaded = event_bytes.load(body, links, event.event_id, event.room_id, event.version)
    for slot in Event.__slots__:
        name = slot.removeprefix("_")  # the PDU is made anew when it is asked for
        if name != "encoded":
            assert getattr(loaded, name) == getattr(event, name), name
    assert event_bytes.split(loaded) == (body, links)


@given(events())
def test_a_client_event_shows_what_clients_see_and_no_more(event: Event) -> None:
    body, _ = event_bytes.split(event)
    shown = orjson.loads(event_bytes.client_event(body, event.event_id, event.room_id, b'{"age":1}'))
    assert set(shown) <= CLIENT_KEYS
    assert (shown["event_id"], shown["room_id"], shown["unsigned"]) == (event.event_id, event.room_id, {"age": 1})
    assert (shown["type"], shown["sender"], shown.get("state_key")) == (event.type, event.sender, event.state_key)
    assert shown["origin_server_ts"] == event.origin_server_ts
    if event.redacts is None and event.version.strict_canonical_json:
        assert shown["content"] == event.content


def test_room_id_and_unsigned_are_left_out_where_the_format_has_none() -> None:
    event = built(Draft("m.room.message", ALICE, {"body": "x"}), ROOM_VERSIONS["12"])
    assert set(orjson.loads(event_bytes.client_event(event_bytes.split(event)[0], "$x"))) == {
        "content",
        "event_id",
        "origin_server_ts",
        "sender",
        "type",
    }


@ALL
def test_clients_find_the_target_of_a_redaction_in_both_places(version: RoomVersion) -> None:
    event = built(Draft("m.room.redaction", ALICE, {"reason": "spam"}, redacts="$target:hs"), version)
    body, links = event_bytes.split(event)
    shown = orjson.loads(event_bytes.client_event(body, event.event_id))
    assert shown["redacts"] == "$target:hs"
    assert shown["content"] == {"reason": "spam", "redacts": "$target:hs"}
    assert canonical_json.parse(event_bytes.pdu(body, links)) == event.pdu


@ALL
def test_a_redacted_redaction_shows_the_target_only_where_it_was_kept(version: RoomVersion) -> None:
    event = redact_event(built(Draft("m.room.redaction", ALICE, {"reason": "spam"}, redacts="$target:hs"), version))
    shown = orjson.loads(event_bytes.client_event(event_bytes.split(event)[0], event.event_id))
    assert ("redacts" in shown) == ("redacts" in shown["content"]) == version.redacts_in_content


@ALL
@pytest.mark.parametrize("redacts", [1, None, ["$x"], {"a": 1}])
def test_a_redaction_of_nothing_sensible_is_shown_as_it_is(version: RoomVersion, redacts: Any) -> None:
    event = built(Draft("m.room.redaction", ALICE, {"redacts": redacts}), version)
    shown = orjson.loads(event_bytes.client_event(event_bytes.split(event)[0], event.event_id))
    assert shown["content"] == {"redacts": redacts}
    assert "redacts" not in shown


def test_members_that_no_client_should_see_stay_in_the_links() -> None:
    pdu = built(Draft("m.room.message", ALICE, {}), ROOM_VERSIONS["10"]).pdu
    event = event_format.parse({**pdu, "redacts": "$x", "membership": "join", "prev_content": {}, "age": 1}, ROOM_VERSIONS["10"])
    body, _ = event_bytes.split(event)
    assert set(orjson.loads(b"{%b}" % body)) == {"content", "origin_server_ts", "sender", "type"}


@given(events())
def test_the_content_is_cut_out(event: Event) -> None:
    body, _ = event_bytes.split(event)
    assert canonical_json.parse(event_bytes.content(body), exact_integers=True) == event.content
