"""How a room begins: rule 1 of the authorisation rules of every room version."""

from homeserver.protocol.auth_rules.rule_numbers import refusal
from homeserver.protocol.auth_rules.user_id_shape import domain_of, is_user_id
from homeserver.protocol.event import Event
from homeserver.protocol.room_versions import ROOM_VERSIONS, UNSTABLE_ROOM_VERSIONS


def check_create(event: Event) -> None:
    """Rule 1; needs no state."""
    version = event.version
    if event.prev_events:
        raise refusal(version, "create.prev_events", "the create event has previous events")
    if version.room_id_is_create_hash:
        if "room_id" in event.pdu:
            raise refusal(version, "create.room_id", "the create event has a room ID")
    elif domain_of(event.room_id) != domain_of(event.sender):
        raise refusal(version, "create.room_id", "the room ID is of another server than the sender")
    stated = event.content.get("room_version", "1")
    if not isinstance(stated, str) or stated not in (ROOM_VERSIONS | UNSTABLE_ROOM_VERSIONS):
        raise refusal(version, "create.room_version", "the room version is not known")
    if not version.creator_from_sender and "creator" not in event.content:
        raise refusal(version, "create.creator", "no creator is named")
    if version.privileged_creators and "additional_creators" in event.content:
        additional = event.content["additional_creators"]
        if not isinstance(additional, list) or not all(is_user_id(user) for user in additional):
            raise refusal(version, "create.additional_creators", "additional creators are no array of user IDs")
