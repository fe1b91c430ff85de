"""Rooms as the two sides of the comparison exchange them: events under labels, turned into PDUs once their IDs are known.

Imported by both interpreters, so it needs the standard library alone. A described event is a dict with label, type, sender, content, ts, depth,
prev, auth (labels) and, if it has them, state_key and redacts (a label).
"""

from collections.abc import Mapping
from typing import Any

Described = dict[str, Any]

OLD_ROOM_ID = "!room:a.example"


def pdu_of(event: Mapping[str, Any], version: int, ids: Mapping[str, str], room_id: str) -> dict[str, Any]:
    """The PDU; for versions 1 and 2 with the ID that `chosen_id` gives it."""
    pdu: dict[str, Any] = {
        "type": event["type"],
        "sender": event["sender"],
        "content": event["content"],
        "origin_server_ts": event["ts"],
        "depth": event["depth"],
        "prev_events": [_reference(ids[label], version) for label in event["prev"]],
        "auth_events": [_reference(ids[label], version) for label in event["auth"]],
        "hashes": {"sha256": "none"},
        "signatures": {},
    }
    if version < 12 or event["type"] != "m.room.create":
        pdu["room_id"] = room_id
    if version < 3:
        pdu["event_id"] = chosen_id(event)
    if event.get("state_key") is not None:
        pdu["state_key"] = event["state_key"]
    if "redacts" in event:
        target = ids.get(event["redacts"], event["redacts"])
        if version < 11:
            pdu["redacts"] = target
        else:
            pdu["content"] = {**event["content"], "redacts": target}
    return pdu


def chosen_id(event: Mapping[str, Any]) -> str:
    """The ID an old server would choose for the event."""
    return f"${event['label']}:{event['sender'].partition(':')[2]}"


def _reference(event_id: str, version: int) -> Any:
    return [event_id, {"sha256": "none"}] if version < 3 else event_id


def room_id_of(version: int, create_id: str) -> str:
    return OLD_ROOM_ID if version < 12 else "!" + create_id[1:]
