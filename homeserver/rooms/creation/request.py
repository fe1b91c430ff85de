"""The body of createRoom, checked by its schema already, as options. Pure. Client-server API, "POST /createRoom"."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeserver.errors import BadAlias, InvalidParam, InvalidRoomState, ServerNotTrusted
from homeserver.protocol.ids import RoomAlias, UserId
from homeserver.protocol.room_versions import RoomVersion, room_version
from homeserver.rooms.creation.room_options import MAX_INITIAL_STATE, MAX_INVITES, RoomOptions
from homeserver.rooms.directory.summary import named_aliases

_PRESET_OF_VISIBILITY = {"public": "public_chat", "private": "private_chat"}


def read_options(body: Mapping[str, Any], creator: str, *, default_version: str, server_name: str) -> RoomOptions:
    """The options; a MatrixError where a value is none."""
    if body.get("invite_3pid"):
        raise ServerNotTrusted("This server uses no identity server, so it can invite by user ID alone")
    named_version = body.get("room_version")
    version = room_version(default_version if named_version is None else named_version)
    visibility = body.get("visibility") or "private"
    options = RoomOptions(
        version=version,
        preset=body.get("preset") or _PRESET_OF_VISIBILITY[visibility],
        creation_content=_creation_content(body.get("creation_content", {}), version),
        name=body.get("name"),
        topic=body.get("topic"),
        alias=_alias(body.get("room_alias_name"), server_name),
        invite=_invited(body.get("invite", ())),
        is_direct=body.get("is_direct", False),
        initial_state=body.get("initial_state", ()),
        power_levels=body.get("power_level_content_override", {}),
        published=visibility == "public",
    )
    _check_state(options)
    if named_version is not None and version.privileged_creators:
        _refuse_powers_of_creators(options, creator)
    return options


def _alias(localpart: str | None, server_name: str) -> RoomAlias | None:
    if localpart is None:
        return None
    if ":" in localpart:
        raise InvalidParam("room_alias_name is the name alone, without the server")
    return RoomAlias.parse(f"#{localpart}:{server_name}")


def _invited(invite: Sequence[str]) -> tuple[UserId, ...]:
    invited = tuple(dict.fromkeys(UserId.parse(user) for user in invite))
    if len(invited) > MAX_INVITES:
        raise InvalidParam(f"At most {MAX_INVITES} users can be invited at once")
    return invited


def _creation_content(content: Mapping[str, Any], version: RoomVersion) -> Mapping[str, Any]:
    if version.privileged_creators:
        for user in content.get("additional_creators", ()):
            UserId.parse(user)
    return content


def _check_state(options: RoomOptions) -> None:
    """What the auth rules would let pass, yet must not begin a room."""
    if len(options.initial_state) > MAX_INITIAL_STATE:
        raise InvalidParam(f"initial_state holds more than {MAX_INITIAL_STATE} events")
    for entry in options.initial_state:
        if entry["type"] == "m.room.member":
            raise InvalidRoomState("initial_state cannot hold m.room.member")
        if entry["type"] == "m.room.canonical_alias" and named_aliases(entry["content"]) - {options.alias}:
            raise BadAlias("No alias but room_alias_name can point to the new room")


def _refuse_powers_of_creators(options: RoomOptions, creator: str) -> None:
    """A client that knows the version must know its rule, too; from one that does not, the entries are dropped."""
    creators = {creator, *options.creation_content.get("additional_creators", ())}
    contents = [options.power_levels]
    contents.extend(entry["content"] for entry in options.initial_state if entry["type"] == "m.room.power_levels")
    for content in contents:
        users = content.get("users")
        if isinstance(users, Mapping) and creators.intersection(users):
            raise InvalidRoomState("In this room version the creators stand above the power levels and cannot be named in them")
