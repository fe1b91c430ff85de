"""The hand-written format check agrees with a JSON Schema of the PDU on mutated events.

Specification: server-server API definitions "Persistent Data Unit" of room versions 1, 3, 4, 6, 11 and 12. The schema knows shapes; ranges of
numbers, sizes in bytes and identifiers are tested in `test_event_format`.
"""

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeserver.protocol import signing
from homeserver.protocol.errors import ProtocolError
from homeserver.protocol.event import Event
from homeserver.protocol.event_format import parse
from homeserver.protocol.room_versions import ROOM_VERSIONS, RoomVersion
from tests.protocol.samples import event_ids, events, reencoded

STRING, OBJECT = {"type": "string"}, {"type": "object"}


def pdu_schema(version: RoomVersion) -> dict[str, Any]:
    pair = {"type": "array", "prefixItems": [STRING, OBJECT], "minItems": 2, "maxItems": 2}
    reference = pair if version.references_with_hashes else STRING
    names = ["auth_events", "content", "depth", "hashes", "origin_server_ts", "prev_events", "sender", "signatures", "type"]
    create_without_room = version.room_id_is_create_hash
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            "auth_events": {"type": "array", "items": reference, "maxItems": 10},
            "content": OBJECT,
            "depth": {"type": "integer"},
            "hashes": {"type": "object", "properties": {"sha256": STRING}, "required": ["sha256"]},
            "origin_server_ts": {"type": "integer"},
            "prev_events": {"type": "array", "items": reference, "maxItems": 20},
            "room_id": STRING,
            "sender": STRING,
            "signatures": {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": STRING}},
            "state_key": STRING,
            "type": STRING,
        },
        "required": names + ([] if create_without_room else ["room_id"]) + (["event_id"] if version.event_id == "server_chosen" else []),
    }
    if create_without_room:
        create = {"properties": {"type": {"const": "m.room.create"}}}
        schema |= {"if": create, "then": {"not": {"required": ["room_id"]}}, "else": {"required": ["room_id"]}}
    return schema


VALIDATORS = {identifier: jsonschema.Draft202012Validator(pdu_schema(version)) for identifier, version in ROOM_VERSIONS.items()}

shapes: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, 1, 12, "", "x", "@a:b", "!c:d", [], {}, [1], [[]], {"a": 1}, {"a": {}}, {"sha256": 1}, {"a": {"b": 1}}]
)


def mutate(event: Event, data: st.DataObject) -> dict[str, Any]:
    pdu: dict[str, Any] = reencoded(event.pdu)
    known_ids = event_ids(event.version, 1, 2)
    for name in data.draw(st.lists(st.sampled_from(sorted(pdu)), min_size=1, max_size=2)):
        if data.draw(st.booleans()):
            pdu.pop(name, None)
        else:
            pdu[name] = data.draw(shapes | st.just(known_ids) | st.just([[known_ids[0], {"sha256": "x"}]]))
    return pdu


def is_accepted(pdu: dict[str, Any], version: RoomVersion) -> bool:
    try:
        parse(pdu, version)
    except ProtocolError:
        return False
    return True


@given(events(), st.data())
def test_what_the_schema_refuses_is_refused(event: Event, data: st.DataObject) -> None:
    pdu = mutate(event, data)
    if not VALIDATORS[event.version.identifier].is_valid(pdu):
        assert not is_accepted(pdu, event.version)


@given(events(), st.data())
def test_what_is_refused_for_its_shape_the_schema_refuses(event: Event, data: st.DataObject) -> None:
    """The mutations here change types only, so that no identifier, size or range can be the reason."""
    pdu: dict[str, Any] = reencoded(event.pdu)
    name = data.draw(st.sampled_from(["content", "depth", "hashes", "origin_server_ts", "signatures", "state_key", "type"]))
    pdu[name] = data.draw(st.sampled_from([None, 1, "x", [], {}, {"sha256": signing.encode_base64(bytes(32))}]))
    if event.version.room_id_is_create_hash and pdu["type"] == "m.room.create" and event.type != "m.room.create":
        return
    assert is_accepted(pdu, event.version) == VALIDATORS[event.version.identifier].is_valid(pdu)


@pytest.mark.parametrize("identifier", ROOM_VERSIONS)
def test_the_schemas_are_schemas(identifier: str) -> None:
    jsonschema.Draft202012Validator.check_schema(VALIDATORS[identifier].schema)
