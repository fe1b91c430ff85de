"""Room versions 1 to 12 as ONE table: each is the one before, changed; and a few unstable ones.

Rules read the fields, never a version number. Source: specification, "Room versions", the "Unstable" changes of each.
"""

from typing import Literal, NamedTuple

from homeserver.protocol.errors import UnknownRoomVersion


class RoomVersion(NamedTuple):
    """One room version as a value; the comments name the version that changed the field."""

    identifier: str
    # event format
    event_id: Literal["server_chosen", "reference_hash", "url_safe_reference_hash"] = "server_chosen"  # 3, 4
    references_with_hashes: bool = True  # prev_events and auth_events as [id, {sha256}] pairs; 3: plain IDs
    room_id_is_create_hash: bool = False  # 12; the create event has no room_id and is in no auth_events
    redacts_in_content: bool = False  # 11
    # canonical JSON, keys
    strict_canonical_json: bool = False  # 6
    enforce_key_validity: bool = False  # 5
    # redaction
    redaction_keeps_aliases: bool = True  # 6: content.aliases of m.room.aliases goes
    redaction_keeps_origin_membership_prev_state: bool = True  # 11
    redaction_keeps_all_create_content: bool = False  # 11
    redaction_keeps_redacts_content: bool = False  # 11
    redaction_keeps_power_levels_invite: bool = False  # 11
    redaction_keeps_third_party_signed: bool = False  # 11
    redaction_keeps_join_rule_allow: bool = False  # 8
    redaction_keeps_join_authorised_via: bool = False  # 9
    fields_in_bytes: bool = False  # 11: the limits of type, state_key and names count bytes
    # authorisation
    special_case_aliases: bool = True  # 6
    redactions_by_auth_rule: bool = True  # 3: judged when applied instead
    limit_notifications_power_levels: bool = False  # 6
    knocking: bool = False  # 7
    restricted_joins: bool = False  # 8
    knock_restricted: bool = False  # 10
    integer_power_levels: bool = False  # 10
    creator_from_sender: bool = False  # 11: no `creator` in the content of m.room.create
    privileged_creators: bool = False  # 12: sender and additional_creators stand above all power levels
    owned_state: bool = False  # MSC3757: a state key may go on after its owner's user ID, and whoever has more power may write it
    # state resolution
    state_resolution: Literal["v1", "v2"] = "v1"  # 2
    resolve_from_empty: bool = False  # 12, state resolution v2.1
    conflicted_subgraph: bool = False  # 12, state resolution v2.1


_V1 = RoomVersion("1")
_V2 = _V1._replace(identifier="2", state_resolution="v2")
_V3 = _V2._replace(identifier="3", event_id="reference_hash", references_with_hashes=False, redactions_by_auth_rule=False)
_V4 = _V3._replace(identifier="4", event_id="url_safe_reference_hash")
_V5 = _V4._replace(identifier="5", enforce_key_validity=True)
_V6 = _V5._replace(
    identifier="6",
    strict_canonical_json=True,
    redaction_keeps_aliases=False,
    special_case_aliases=False,
    limit_notifications_power_levels=True,
)
_V7 = _V6._replace(identifier="7", knocking=True)
_V8 = _V7._replace(identifier="8", restricted_joins=True, redaction_keeps_join_rule_allow=True)
_V9 = _V8._replace(identifier="9", redaction_keeps_join_authorised_via=True)
_V10 = _V9._replace(identifier="10", integer_power_levels=True, knock_restricted=True)
_V11 = _V10._replace(
    identifier="11",
    redacts_in_content=True,
    redaction_keeps_origin_membership_prev_state=False,
    redaction_keeps_all_create_content=True,
    redaction_keeps_redacts_content=True,
    redaction_keeps_power_levels_invite=True,
    redaction_keeps_third_party_signed=True,
    creator_from_sender=True,
    fields_in_bytes=True,
)
_V12 = _V11._replace(
    identifier="12",
    room_id_is_create_hash=True,
    privileged_creators=True,
    resolve_from_empty=True,
    conflicted_subgraph=True,
)

ROOM_VERSIONS: dict[str, RoomVersion] = {v.identifier: v for v in (_V1, _V2, _V3, _V4, _V5, _V6, _V7, _V8, _V9, _V10, _V11, _V12)}
# What proposals try out; nobody gets such a room who does not ask for it by name.
UNSTABLE_ROOM_VERSIONS: dict[str, RoomVersion] = {
    v.identifier: v
    for v in (
        _V10._replace(identifier="org.matrix.msc3757.10", owned_state=True),
        _V11._replace(identifier="org.matrix.msc3757.11", owned_state=True),
    )
}
DEFAULT_ROOM_VERSION = _V12


def room_version(identifier: object) -> RoomVersion:
    """The version named so; raises UnknownRoomVersion, also for what is no string."""
    found = ROOM_VERSIONS.get(identifier) or UNSTABLE_ROOM_VERSIONS.get(identifier) if isinstance(identifier, str) else None
    if found is None:
        raise UnknownRoomVersion(identifier)
    return found
