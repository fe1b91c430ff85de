"""A draft becomes an event: hashed, signed, named and within its limits.

Specification: server-server API, "Signing Events"; client-server API, "Size limits"; the event format of each room version. This is the
hot path of sending, so each member is encoded once and the bytes are joined: for the content hash, for the signature (whose bytes are
also those of the reference hash) and for storing (`event_bytes.split`).
"""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from homeserver.protocol import canonical_json
from homeserver.protocol.errors import EventTooLarge, InvalidEvent, InvalidJson
from homeserver.protocol.event import Draft, Event
from homeserver.protocol.limits import (
    MAX_AUTH_EVENTS,
    MAX_DEPTH,
    MAX_EVENT_BYTES,
    MAX_FIELD_BYTES,
    MAX_INTEGER,
    MAX_JSON_NESTING,
    MAX_PREV_EVENTS,
    MIN_INTEGER,
)
from homeserver.protocol.redaction import redact_content
from homeserver.protocol.room_versions import RoomVersion
from homeserver.protocol.signing import SigningKey, encode_base64, event_id_of, reference_hash

_SURELY_SHORT = MAX_FIELD_BYTES // 4  # a character has at most four bytes


class Reference(NamedTuple):
    """An earlier event as the next one cites it: in room versions 1 and 2 with its reference hash ("": nobody told it), later by its ID alone."""

    event_id: str
    sha256: str | None = None


def reference_to(event: Event) -> Reference:
    if not event.version.references_with_hashes:
        return Reference(event.event_id)
    return Reference(event.event_id, encode_base64(reference_hash(event.pdu, event.version)))


def _cite(references: Sequence[Event | Reference], version: RoomVersion, most: int) -> list[Any]:
    if len(references) > most:
        raise InvalidEvent(f"an event cites at most {MAX_PREV_EVENTS} previous and {MAX_AUTH_EVENTS} auth events")
    if not version.references_with_hashes:
        return [reference.event_id for reference in references]
    cited = [reference_to(reference) if isinstance(reference, Event) else reference for reference in references]
    if any(reference.sha256 is None for reference in cited):
        raise InvalidEvent("in this room version events are cited with their hash")
    return [[reference.event_id, {"sha256": reference.sha256} if reference.sha256 else {}] for reference in cited]


def check_field_size(name: str, value: str) -> None:
    if len(value) > _SURELY_SHORT and len(value.encode(errors="surrogatepass")) > MAX_FIELD_BYTES:
        raise EventTooLarge(f"{name} is longer than {MAX_FIELD_BYTES} bytes")


def _check_draft(draft: Draft, content: dict[str, Any], version: RoomVersion, room_id: str | None, event_id: str | None) -> None:
    check_field_size("type", draft.type)
    check_field_size("sender", draft.sender)
    if draft.state_key is not None:
        check_field_size("state_key", draft.state_key)
    if "\0" in draft.type or (draft.state_key is not None and "\0" in draft.state_key):
        raise InvalidEvent("type and state_key are without NUL")
    if (event_id is not None) != (version.event_id == "server_chosen"):
        raise InvalidEvent("an event ID is chosen in room versions 1 and 2, and only there")
    if event_id is not None:
        check_field_size("event_id", event_id)
    if room_id is not None:
        check_field_size("room_id", room_id)
    if (room_id is None) != (version.room_id_is_create_hash and draft.type == "m.room.create"):
        raise InvalidEvent("every event but the create event of room version 12 has a room ID")
    if draft.origin_server_ts is not None and not MIN_INTEGER <= draft.origin_server_ts <= MAX_INTEGER:
        raise InvalidEvent("origin_server_ts is out of range")
    canonical_json.check(content, version.strict_canonical_json, max_nesting=MAX_JSON_NESTING - 1)


def _place_redacts(draft: Draft, version: RoomVersion) -> dict[str, Any]:
    if draft.redacts is not None and version.redacts_in_content:
        return {**draft.content, "redacts": draft.redacts}
    return dict(draft.content)


def build(
    draft: Draft,
    *,
    version: RoomVersion,
    room_id: str | None,
    prev_events: Sequence[Event | Reference],
    auth_events: Sequence[Event | Reference],
    depth: int,
    now_ms: int,
    server_name: str,
    key: SigningKey,
    event_id: str | None = None,
) -> Event:
    """The signed event; raises EventTooLarge, InvalidEvent or InvalidJson.

    `room_id` is None for a v12 create event, `event_id` is given for room versions 1 and 2 alone. A depth over the limit is set to it.
    """
    content = _place_redacts(draft, version)
    _check_draft(draft, content, version, room_id, event_id)
    pdu: dict[str, Any] = {
        "auth_events": _cite(auth_events, version, MAX_AUTH_EVENTS),
        "content": content,
        "depth": min(depth, MAX_DEPTH),
        "origin_server_ts": now_ms if draft.origin_server_ts is None else draft.origin_server_ts,
        "prev_events": _cite(prev_events, version, MAX_PREV_EVENTS),
        "sender": draft.sender,
        "type": draft.type,
    }
    if event_id is not None:
        pdu["event_id"] = event_id
    if room_id is not None:
        pdu["room_id"] = room_id
    if draft.state_key is not None:
        pdu["state_key"] = draft.state_key
    if draft.redacts is not None and not version.redacts_in_content:
        pdu["redacts"] = draft.redacts
    try:
        return _seal(pdu, version, str(server_name), key)
    except orjson.JSONEncodeError as error:
        raise InvalidJson(f"no canonical JSON: {error}") from error


def _seal(pdu: dict[str, Any], version: RoomVersion, server_name: str, key: SigningKey) -> Event:
    """Hashes, signs and names the PDU by joining its members in the order of canonical JSON.

    That order is: auth_events, content, depth, event_id, hashes, origin_server_ts, prev_events, redacts, room_id, sender, signatures,
    state_key, type.
    """
    encode = canonical_json.encode if version.strict_canonical_json else canonical_json.encode_tolerant
    dumps = orjson.dumps
    content = encode(pdu["content"])
    if "state_key" in pdu:  # what is remembered of state is what was signed, and no longer the caller's object
        pdu["content"] = canonical_json.parse(content, exact_integers=True)
    links_1 = b'"auth_events":' + dumps(pdu["auth_events"])
    links_2 = b'"depth":%d' % pdu["depth"]
    if "event_id" in pdu:
        links_2 += b',"event_id":' + dumps(pdu["event_id"])
    time = b'"origin_server_ts":%d' % pdu["origin_server_ts"]
    links_3 = b'"prev_events":' + dumps(pdu["prev_events"])
    redacts = b',"redacts":' + dumps(pdu["redacts"]) if "redacts" in pdu else b""
    room = b',"room_id":' + dumps(pdu["room_id"]) if "room_id" in pdu else b""
    sender = b',"sender":' + dumps(pdu["sender"])
    kind = b',"type":' + dumps(pdu["type"])
    if "state_key" in pdu:
        kind = b',"state_key":' + dumps(pdu["state_key"]) + kind
    whole = b"{%b,%b,%b,%b,%b%b%b%b%b}" % (links_1, b'"content":' + content, links_2, time, links_3, redacts, room, sender, kind)
    digest = encode_base64(hashlib.sha256(whole).digest())
    hashes = b'"hashes":{"sha256":"%b"}' % digest.encode()
    kept = redact_content(pdu["type"], pdu["content"], version)
    kept_content = b'"content":' + (encode(kept) if kept else b"{}")
    signed = b"{%b,%b,%b,%b,%b,%b%b%b%b}" % (links_1, kept_content, links_2, hashes, time, links_3, room, sender, kind)
    pdu["hashes"] = {"sha256": digest}
    pdu["signatures"] = {server_name: {key.key_id: encode_base64(key.sign(signed))}}
    body = b'"content":%b,%b%b%b%b' % (content, time, redacts, sender, kind)
    links = b'%b,%b,%b,%b%b,"signatures":%b' % (links_1, links_2, hashes, links_3, room, dumps(pdu["signatures"]))
    if len(body) + len(links) + 3 > MAX_EVENT_BYTES:
        raise EventTooLarge(f"the event is larger than {MAX_EVENT_BYTES} bytes")
    event_id = pdu["event_id"] if "event_id" in pdu else event_id_of(hashlib.sha256(signed).digest(), version)
    room_id = pdu["room_id"] if "room_id" in pdu else "!" + event_id[1:]
    event = Event.from_pdu(pdu, event_id=event_id, room_id=room_id, version=version)
    event.encoded = (body, links)
    return event
