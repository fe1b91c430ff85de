"""An event as two ready pieces of JSON that are stored once and joined, never encoded again.

*body*: the members clients see (content, origin_server_ts, redacts before room version 11, sender, state_key, type). *links*: all other
members of the PDU. Both are canonical, without braces; `{body,links}` is the PDU, member for member what was signed.

Client-server API, "Room event format"; room version 11, "Moving the redacts property": clients are shown `redacts` of a redaction both
at the top and in its content. It would be no part of the signed PDU, so it is added by `client_event`; `type` is the last member of every
body, which makes a redaction cheap to recognise.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from homeserver.protocol import canonical_json
from homeserver.protocol.event import Event, parse_pdu
from homeserver.protocol.room_versions import RoomVersion

_BODY = ("content", "origin_server_ts", "sender", "state_key", "type")
_END_OF_REDACTION = b'"type":"m.room.redaction"'


def split(event: Event) -> tuple[bytes, bytes]:
    """(body, links) of the event."""
    return split_pdu(event.pdu, event.version) if event.encoded is None else event.encoded


def split_pdu(pdu: Mapping[str, Any], version: RoomVersion) -> tuple[bytes, bytes]:
    """As `split`, of a PDU without `unsigned` whose format is known to be right."""
    encode = canonical_json.encode if version.strict_canonical_json else canonical_json.encode_tolerant
    links = dict(pdu)
    body = {name: links.pop(name) for name in _BODY if name in links}
    if not version.redacts_in_content and body["type"] == "m.room.redaction" and isinstance(links.get("redacts"), str):
        body["redacts"] = links.pop("redacts")
    return encode(body)[1:-1], encode(links)[1:-1]


def pdu(body: bytes, links: bytes) -> bytes:
    """The PDU as other servers get it."""
    return b"{%b,%b}" % (body, links)


def pdu_with_id(body: bytes, links: bytes, event_id: str, version: RoomVersion) -> bytes:
    """The PDU, and its ID also where that is no part of it: for clients that ask for the format of federation."""
    if version.event_id == "server_chosen":
        return pdu(body, links)
    return b'{%b,"event_id":%b,%b}' % (body, orjson.dumps(event_id), links)


def load(body: bytes, links: bytes, event_id: str, room_id: str, version: RoomVersion) -> Event:
    """The event of stored bytes; nothing is checked again."""
    event = Event.from_pdu(parse_pdu(body, links, version), event_id=event_id, room_id=room_id, version=version)
    event.encoded = (body, links)
    event.keep_bytes_alone()
    return event


def client_event(body: bytes, event_id: str, room_id: str | None = None, unsigned: bytes | None = None) -> bytes:
    """The event as clients get it; `room_id` where the format has it, `unsigned` an encoded object."""
    if body.endswith(_END_OF_REDACTION):
        body = _show_redacts_twice(body)
    if room_id is None and unsigned is not None:
        return b'{%b,"event_id":%b,"unsigned":%b}' % (body, orjson.dumps(event_id), unsigned)
    parts = [b"{", body, b',"event_id":', orjson.dumps(event_id)]
    if room_id is not None:
        parts += (b',"room_id":', orjson.dumps(room_id))
    if unsigned is not None:
        parts += (b',"unsigned":', unsigned)
    parts.append(b"}")
    return b"".join(parts)


def _show_redacts_twice(body: bytes) -> bytes:
    value: dict[str, Any] = orjson.loads(b"{%b}" % body)
    at_top, in_content = value.get("redacts"), value["content"].get("redacts")
    if at_top is None and isinstance(in_content, str):
        return b'%b,"redacts":%b' % (body, orjson.dumps(in_content))
    if isinstance(at_top, str) and in_content is None:
        content: dict[str, Any] = {**value.pop("content"), "redacts": at_top}
        return b'"content":%b,%b' % (orjson.dumps(content), orjson.dumps(value)[1:-1])
    return body


def content(body: bytes) -> bytes:
    """The event's content as JSON, cut out of its body."""
    return body[len(b'"content":') : body.rindex(b',"origin_server_ts":')]
