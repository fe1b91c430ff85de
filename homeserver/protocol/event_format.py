"""A received PDU becomes an event, or is refused: shape, sizes, counts, ranges, canonical JSON, event ID, content hash.

Specification: server-server API, "Checks performed on receipt of a PDU", steps 1 and 3, and the event format of each room version.
Signatures need keys, so they are the caller's step: `Received.signed_bytes` is what they cover.
"""

import hashlib
from typing import Any, NamedTuple

from homeserver.protocol import canonical_json, event_bytes
from homeserver.protocol.errors import EventTooLarge, InvalidEvent, InvalidIdentifier
from homeserver.protocol.event import Event
from homeserver.protocol.event_build import check_field_size
from homeserver.protocol.ids import EventId, RoomId, UserId
from homeserver.protocol.limits import MAX_AUTH_EVENTS, MAX_EVENT_BYTES, MAX_FIELD_BYTES, MAX_INTEGER, MAX_INTEGER_64, MAX_PREV_EVENTS
from homeserver.protocol.redaction import redact_event
from homeserver.protocol.room_versions import RoomVersion
from homeserver.protocol.signing import content_hash, decode_base64, event_id_of, signed_bytes


class Received(NamedTuple):
    """A PDU of the right format: the event as it may be stored (redacted when its content hash does not match)."""

    event: Event
    signed_bytes: bytes
    hash_matches: bool


def receive(pdu: Any, version: RoomVersion, *, room_id: str | None = None) -> Received:
    """Checks everything about the PDU that needs no key and no other event; raises InvalidEvent, EventTooLarge or InvalidJson.

    `room_id`: the room that it must belong to. The given object is not changed; its `unsigned` is left out.
    """
    if not isinstance(pdu, dict):
        raise InvalidEvent("a PDU is an object")
    pdu = dict(pdu)
    pdu.pop("unsigned", None)
    canonical_json.check(pdu, version.strict_canonical_json)
    _check_fields(pdu, version)
    _check_references(pdu, version)
    _check_hashes_and_signatures(pdu)
    encoded = event_bytes.split_pdu(pdu, version)
    _check_size(encoded)
    signed = signed_bytes(pdu, version)
    event_id = pdu["event_id"] if version.event_id == "server_chosen" else event_id_of(hashlib.sha256(signed).digest(), version)
    found_room_id = _room_id(pdu, version, event_id)
    if room_id is not None and found_room_id != room_id:
        raise InvalidEvent("the event belongs to another room")
    event = Event.from_pdu(pdu, event_id=event_id, room_id=found_room_id, version=version)
    if content_hash(pdu, version) != _claimed_hash(pdu):
        return Received(redact_event(event), signed, False)
    event.encoded = encoded
    return Received(event, signed, True)


def parse(pdu: Any, version: RoomVersion, *, room_id: str | None = None) -> Event:
    """As `receive`, for callers that only want the event: with its content if that is what was hashed, else redacted."""
    return receive(pdu, version, room_id=room_id).event


def _check_fields(pdu: dict[str, Any], version: RoomVersion) -> None:
    if not isinstance(pdu.get("content"), dict):
        raise InvalidEvent("content is no object")
    _check_name(pdu, "type", version)
    if "state_key" in pdu:
        _check_name(pdu, "state_key", version)
    _check_name(pdu, "sender", version)
    largest = MAX_INTEGER if version.strict_canonical_json else MAX_INTEGER_64
    depth, time = pdu.get("depth"), pdu.get("origin_server_ts")
    if type(depth) is not int or not 0 <= depth <= largest:
        raise InvalidEvent("depth is no integer within its limits")
    if type(time) is not int or not -largest <= time <= largest:
        raise InvalidEvent("origin_server_ts is no integer within its limits")
    try:
        UserId.parse(pdu["sender"])
        if version.event_id == "server_chosen":
            _check_name(pdu, "event_id", version)
            if EventId.parse(pdu["event_id"]).server_name is None:
                raise InvalidEvent("an event ID without a server name")
        elif "event_id" in pdu:
            raise InvalidEvent("event_id is no member of events in this room version")
    except InvalidIdentifier as error:
        raise InvalidEvent(str(error)) from error


def _check_name(pdu: dict[str, Any], name: str, version: RoomVersion) -> None:
    value = pdu.get(name)
    if not isinstance(value, str) or "\0" in value:
        raise InvalidEvent(f"{name} is no string, or has a NUL")
    if version.fields_in_bytes:
        check_field_size(name, value)
    elif len(value) > MAX_FIELD_BYTES:  # rooms are there in which other servers counted characters; who did otherwise would part from them
        raise EventTooLarge(f"{name} is longer than {MAX_FIELD_BYTES} characters")


def _check_references(pdu: dict[str, Any], version: RoomVersion) -> None:
    for name, most in (("prev_events", MAX_PREV_EVENTS), ("auth_events", MAX_AUTH_EVENTS)):
        references = pdu.get(name)
        if not isinstance(references, list) or len(references) > most:
            raise InvalidEvent(f"{name} is no list of at most {most}")
        for reference in references:
            if version.references_with_hashes:
                if not isinstance(reference, list) or len(reference) != 2 or not isinstance(reference[1], dict):
                    raise InvalidEvent(f"{name} has what is no pair of event ID and hashes")
                reference = reference[0]
            try:
                EventId.parse(reference)
            except InvalidIdentifier as error:
                raise InvalidEvent(f"{name} has what is no event ID") from error


def _check_hashes_and_signatures(pdu: dict[str, Any]) -> None:
    hashes, signatures = pdu.get("hashes"), pdu.get("signatures")
    if not isinstance(hashes, dict) or not isinstance(hashes.get("sha256"), str):
        raise InvalidEvent("hashes has no sha256")
    if not isinstance(signatures, dict):
        raise InvalidEvent("signatures is no object")
    for by_server in signatures.values():
        if not isinstance(by_server, dict) or not all(isinstance(signature, str) for signature in by_server.values()):
            raise InvalidEvent("signatures has what is no object of strings")


def _check_size(encoded: tuple[bytes, bytes]) -> None:
    if sum(map(len, encoded)) + len(b"{,}") > MAX_EVENT_BYTES:
        raise EventTooLarge(f"the event is larger than {MAX_EVENT_BYTES} bytes")


def _room_id(pdu: dict[str, Any], version: RoomVersion, event_id: str) -> str:
    if version.room_id_is_create_hash and pdu["type"] == "m.room.create":
        if "room_id" in pdu:
            raise InvalidEvent("a create event of this room version has no room_id")
        return "!" + event_id[1:]
    _check_name(pdu, "room_id", version)
    try:
        room_id = RoomId.parse(pdu["room_id"])
    except InvalidIdentifier as error:
        raise InvalidEvent(str(error)) from error
    if (room_id.server_name is None) != version.room_id_is_create_hash:
        raise InvalidEvent("a room ID of another room version")
    return str(room_id)


def _claimed_hash(pdu: dict[str, Any]) -> bytes:
    try:
        return decode_base64(pdu["hashes"]["sha256"])
    except ValueError as error:
        raise InvalidEvent("the content hash is no base64") from error
