"""Which state an event is judged by: server-server API, "Auth events selection"."""

from collections.abc import Mapping
from typing import Any, Final

from homeserver.protocol.event import Event, StateKey
from homeserver.protocol.room_versions import RoomVersion

CREATE: Final[StateKey] = ("m.room.create", "")
POWER_LEVELS: Final[StateKey] = ("m.room.power_levels", "")
JOIN_RULES: Final[StateKey] = ("m.room.join_rules", "")


def needed_state(type: str, sender: str, state_key: str | None, content: Mapping[str, Any], version: RoomVersion) -> list[StateKey]:
    """The addresses whose current events become `auth_events`; where the room ID names the create event, that is not among them."""
    if type == "m.room.create":
        return []
    if version.room_id_is_create_hash:
        needed = [POWER_LEVELS, ("m.room.member", sender)]
    else:
        needed = [CREATE, POWER_LEVELS, ("m.room.member", sender)]
    if type == "m.room.member":
        _add_for_membership(needed, sender, state_key, content, version)
    return needed


def judging_state(event: Event) -> list[StateKey]:
    """All addresses `check_event` may read for this event: `needed_state` and always the create event."""
    needed = needed_state(event.type, event.sender, event.state_key, event.content, event.version)
    if event.version.room_id_is_create_hash:
        needed.append(CREATE)
    return needed


def _add_for_membership(
    needed: list[StateKey], sender: str, state_key: str | None, content: Mapping[str, Any], version: RoomVersion
) -> None:
    if state_key is not None and state_key != sender:
        needed.append(("m.room.member", state_key))
    membership = content.get("membership")
    if membership in ("join", "invite", "knock"):
        needed.append(JOIN_RULES)
    if membership == "invite":
        token = third_party_token(content)
        if token is not None:
            needed.append(("m.room.third_party_invite", token))
    elif membership == "join" and version.restricted_joins:
        authoriser = content.get("join_authorised_via_users_server")
        if isinstance(authoriser, str) and authoriser not in (sender, state_key):
            needed.append(("m.room.member", authoriser))


def third_party_token(content: Mapping[str, Any]) -> str | None:
    """`third_party_invite.signed.token` of an invite's content, if it is there and a string."""
    invite = content.get("third_party_invite")
    signed = invite.get("signed") if isinstance(invite, Mapping) else None
    token = signed.get("token") if isinstance(signed, Mapping) else None
    return token if isinstance(token, str) else None
