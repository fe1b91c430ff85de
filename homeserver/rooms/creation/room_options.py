"""What a client asks for in `createRoom`, and the first state that follows from it. Pure. Client-server API, "Creation"."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from homeserver.errors import BadJson, InvalidRoomState
from homeserver.protocol.room_versions import RoomVersion

PRESETS: dict[str, dict[str, str]] = {
    "private_chat": {"join_rule": "invite", "history_visibility": "shared", "guest_access": "can_join"},
    "trusted_private_chat": {"join_rule": "invite", "history_visibility": "shared", "guest_access": "can_join"},
    "public_chat": {"join_rule": "public", "history_visibility": "shared"},  # no event: guests are kept out ("Guest access")
}
MAX_INITIAL_STATE = 100
MAX_INVITES = 100


class RoomOptions(NamedTuple):
    """The body of createRoom, read; `preset` is settled."""

    version: RoomVersion
    preset: str
    creation_content: Mapping[str, Any] = MappingProxyType({})
    name: str | None = None
    topic: str | None = None
    alias: str | None = None
    invite: Sequence[str] = ()
    is_direct: bool = False
    initial_state: Sequence[Mapping[str, Any]] = ()
    power_levels: Mapping[str, Any] = MappingProxyType({})
    published: bool = False


class FirstState(NamedTuple):
    """One state event to come, by the creator."""

    type: str
    content: Mapping[str, Any]
    state_key: str = ""


def create_content(options: RoomOptions, creator: str) -> dict[str, Any]:
    """The content of m.room.create; in a version with privileged creators a trusted chat's invitees become creators too."""
    content = {key: value for key, value in options.creation_content.items() if key not in ("creator", "room_version")}
    content["room_version"] = options.version.identifier
    if not options.version.creator_from_sender:
        content["creator"] = creator
    if options.version.privileged_creators:
        additional = content.get("additional_creators", [])
        if not isinstance(additional, list):
            raise BadJson("additional_creators is a list of user IDs")
        if options.preset == "trusted_private_chat":
            additional = [*additional, *(user for user in options.invite if user not in additional)]
        if additional:
            content["additional_creators"] = additional
    return content


def first_state(options: RoomOptions, creator: str, create: Mapping[str, Any]) -> list[FirstState]:
    """The state after the creator's join, in the order of the spec: power levels, alias, preset, initial state, name, topic."""
    given = _given_state(options)
    state = []
    levels = power_levels(options, creator, create)
    if ("m.room.power_levels", "") in given:
        levels = dict(given.pop(("m.room.power_levels", "")))
        _without_creators(levels, options.version, creator, create)
    state.append(FirstState("m.room.power_levels", levels))
    if options.alias is not None:
        state.append(FirstState("m.room.canonical_alias", {"alias": options.alias}))
    preset = PRESETS[options.preset]
    for event_type, key in (
        ("m.room.join_rules", "join_rule"),
        ("m.room.history_visibility", "history_visibility"),
        ("m.room.guest_access", "guest_access"),
    ):
        content = given.pop((event_type, ""), {key: preset[key]} if key in preset else None)
        if content is not None:
            state.append(FirstState(event_type, content))
    state.extend(FirstState(event_type, content, state_key) for (event_type, state_key), content in given.items())
    if options.name is not None:
        state.append(FirstState("m.room.name", {"name": options.name}))
    if options.topic is not None:
        text = {"m.text": [{"body": options.topic, "mimetype": "text/plain"}]}
        state.append(FirstState("m.room.topic", {"topic": options.topic, "m.topic": text}))
    return state


def power_levels(options: RoomOptions, creator: str, create: Mapping[str, Any]) -> dict[str, Any]:
    """The room's first power levels: the defaults, the preset, then the client's override."""
    privileged = options.version.privileged_creators
    users = {} if privileged else {creator: 100}
    if options.preset == "trusted_private_chat" and not privileged:
        users.update(dict.fromkeys(options.invite, 100))
    levels: dict[str, Any] = {
        "users": users,
        "users_default": 0,
        "events": {
            "m.room.name": 50,
            "m.room.power_levels": 100,
            "m.room.history_visibility": 100,
            "m.room.canonical_alias": 50,
            "m.room.avatar": 50,
            "m.room.tombstone": 150 if privileged else 100,
            "m.room.server_acl": 100,
            "m.room.encryption": 100,
        },
        "events_default": 0,
        "state_default": 50,
        "ban": 50,
        "kick": 50,
        "redact": 50,
        "invite": 50 if options.preset == "public_chat" else 0,
        "historical": 100,
    }
    levels.update(options.power_levels)
    _without_creators(levels, options.version, creator, create)
    return levels


def _without_creators(levels: dict[str, Any], version: RoomVersion, creator: str, create: Mapping[str, Any]) -> None:
    """Room version 12 forbids creators in `users`, yet clients go on naming them: they have all power anyway."""
    users = levels.get("users")
    if version.privileged_creators and isinstance(users, Mapping):
        creators = {creator, *create.get("additional_creators", ())}
        levels["users"] = {user: level for user, level in users.items() if user not in creators}


def _given_state(options: RoomOptions) -> dict[tuple[str, str], Mapping[str, Any]]:
    given: dict[tuple[str, str], Mapping[str, Any]] = {}
    for entry in options.initial_state:
        event_type, state_key, content = entry["type"], entry.get("state_key", ""), entry["content"]
        if event_type == "m.room.create":
            raise InvalidRoomState("initial_state cannot hold m.room.create")
        given[event_type, state_key] = content
    if options.name is not None:
        given.pop(("m.room.name", ""), None)
    if options.topic is not None:
        given.pop(("m.room.topic", ""), None)
    return given
