"""What a push gateway is told (push gateway API, /notify). Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from homeserver.push.pushers.store import Pusher
from homeserver.rooms.store import StoredEvent

NO_BADGES = "org.matrix.msc4076.disable_badge_count"


class Named(NamedTuple):
    """What is called how; None: it has no name."""

    sender: str
    room: str | None
    alias: str | None


def about_event(pusher: Pusher, event: StoredEvent, tweaks: Mapping[str, Any], names: Named | None, unread: int | None) -> dict[str, Any]:
    """`names` None: only the event's ID is told. `unread` None: no counts are."""
    notification: dict[str, Any] = {"event_id": event.event_id, "room_id": event.room_id, "prio": _priority(event, tweaks)}
    if unread:
        notification["counts"] = {"unread": unread}
    if names is not None:
        notification |= {"type": event.type, "sender": event.sender, "sender_display_name": names.sender, "content": event.content}
        if names.room is not None:
            notification["room_name"] = names.room
        if names.alias is not None:
            notification["room_alias"] = names.alias
        if event.type == "m.room.member":
            notification["user_is_target"] = event.state_key == pusher.key.user_id
    notification["devices"] = [{**_device(pusher), "tweaks": dict(tweaks)}]
    return notification


def about_counts(pusher: Pusher, unread: int) -> dict[str, Any]:
    """A zero is told here, for it is the news."""
    return {"counts": {"unread": unread}, "prio": "low", "devices": [_device(pusher)]}


def wants_event_ids_only(pusher: Pusher) -> bool:
    return pusher.data.get("format") == "event_id_only"


def wants_badges(pusher: Pusher) -> bool:
    return pusher.data.get(NO_BADGES) is not True


def _device(pusher: Pusher) -> dict[str, Any]:
    data = {name: value for name, value in pusher.data.items() if name != "url"}
    return {"app_id": pusher.key.app_id, "pushkey": pusher.key.pushkey, "pushkey_ts": pusher.created_ts // 1000, "data": data}


def _priority(event: StoredEvent, tweaks: Mapping[str, Any]) -> str:
    """What can wait, waits: a device need not wake up for it."""
    urgent = event.type == "m.room.encrypted" or tweaks.get("sound") or tweaks.get("highlight")
    return "high" if urgent else "low"
