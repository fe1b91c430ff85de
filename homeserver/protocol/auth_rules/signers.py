"""Whose signatures an event needs: server-server API, "Validating hashes and signatures on received events"."""

from homeserver.protocol.auth_rules.rule_numbers import refusal
from homeserver.protocol.auth_rules.user_id_shape import domain_of, looks_like_user_id
from homeserver.protocol.event import Event
from homeserver.protocol.room_versions import RoomVersion


def required_signers(event: Event, version: RoomVersion) -> set[str]:
    """The servers that must all have signed; raises NotAuthorised if the event names an authoriser that is no user."""
    content = event.content
    is_member = event.type == "m.room.member"
    signers: set[str] = set()
    if not (is_member and content.get("membership") == "invite" and "third_party_invite" in content):
        signers.add(domain_of(event.sender))
    if version.event_id == "server_chosen":
        signers.add(domain_of(event.event_id))
    if is_member and version.restricted_joins and "join_authorised_via_users_server" in content:
        authoriser = content["join_authorised_via_users_server"]
        if not looks_like_user_id(authoriser):
            raise refusal(version, "member.authoriser", "the authoriser is no user ID")
        signers.add(domain_of(authoriser))
    return signers
