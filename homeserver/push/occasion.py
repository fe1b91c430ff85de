"""An event as push rules see it."""

from homeserver.protocol.auth_rules import PowerLevels
from homeserver.protocol.push.conditions import Occasion
from homeserver.rooms.store import StoredEvent


def occasion_of(event: StoredEvent, member_count: int, levels: PowerLevels | None) -> Occasion:
    seen = {
        "type": event.type,
        "sender": event.sender,
        "room_id": event.room_id,
        "event_id": event.event_id,
        "origin_server_ts": event.ts,
        "content": event.content,
    }
    if event.state_key is not None:
        seen["state_key"] = event.state_key
    return Occasion(seen, member_count, levels)
