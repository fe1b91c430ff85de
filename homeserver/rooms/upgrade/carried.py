"""What of a room's state goes over into its successor, and in what form. Pure. Client-server API, "Room upgrades", "Server behaviour"."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from homeserver.protocol.room_versions import RoomVersion
from homeserver.rooms.store import StoredEvent

CARRIED_TYPES = (
    "m.room.avatar",
    "m.room.canonical_alias",
    "m.room.create",
    "m.room.encryption",
    "m.room.guest_access",
    "m.room.history_visibility",
    "m.room.image_pack",
    "m.room.join_rules",
    "m.room.name",
    "m.room.policy",
    "m.room.power_levels",
    "m.room.related_groups",
    "m.room.retention",
    "m.room.server_acl",
    "m.room.topic",
    "m.space.child",
    "m.space.parent",
)
_LINKS = ("m.space.child", "m.space.parent")
_MADE_ANEW = ("m.room.create", "m.room.power_levels", "m.room.join_rules", "m.room.canonical_alias")
_WITH_KEYS = (*_LINKS, "m.room.image_pack")

# What holds in a room without the event: else the preset would say something new.
_UNSAID: Mapping[str, Mapping[str, Any]] = {
    "m.room.guest_access": {"guest_access": "forbidden"},
    "m.room.history_visibility": {"history_visibility": "shared"},
}


def carried_state(events: Iterable[StoredEvent], version: RoomVersion) -> list[dict[str, Any]]:
    """The successor's `initial_state`, without power levels and aliases."""
    contents = {(event.type, event.state_key or ""): event.content for event in events}
    state = [
        {"type": type, "state_key": key, "content": content}
        for (type, key), content in contents.items()
        if content and type not in _MADE_ANEW and (key == "" or type in _WITH_KEYS) and (type not in _LINKS or content.get("via"))
    ]
    state.extend({"type": type, "state_key": "", "content": content} for type, content in _UNSAID.items() if not contents.get((type, "")))
    rules = carried_join_rules(contents.get(("m.room.join_rules", ""), {}), version)
    return [*state, {"type": "m.room.join_rules", "state_key": "", "content": rules}]


def carried_join_rules(content: Mapping[str, Any], version: RoomVersion) -> Mapping[str, Any]:
    """The same rules, or the closest that the version knows and that lets nobody else in."""
    rule = content.get("join_rule")
    if rule == "knock_restricted" and not version.knock_restricted:
        rule = "restricted" if version.restricted_joins else "knock"
    if (rule == "restricted" and not version.restricted_joins) or (rule == "knock" and not version.knocking) or not isinstance(rule, str):
        return {"join_rule": "invite"}
    return {**content, "join_rule": rule}


def carried_create(content: Mapping[str, Any]) -> dict[str, Any]:
    """What the successor's m.room.create takes over: its kind, and whether it federates."""
    return {key: content[key] for key in ("type", "m.federate") if key in content}


def carried_aliases(content: Mapping[str, Any], moving: Collection[str]) -> dict[str, Any]:
    """The m.room.canonical_alias of the successor: those aliases that move to it."""
    carried: dict[str, Any] = {}
    if content.get("alias") in moving:
        carried["alias"] = content["alias"]
    others = content.get("alt_aliases")
    kept = [alias for alias in others if isinstance(alias, str) and alias in moving] if isinstance(others, list) else []
    if kept:
        carried["alt_aliases"] = kept
    return carried
