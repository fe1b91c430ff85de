"""What is left of an event when its free content is taken away; also what its signature and its reference hash cover.

Specification: client-server API, "Redactions", and each room version's redaction algorithm, here as two tables per version.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from homeserver.protocol.event import Event
from homeserver.protocol.room_versions import ROOM_VERSIONS, UNSTABLE_ROOM_VERSIONS, RoomVersion

_TOP_LEVEL = frozenset(
    {
        "auth_events",
        "content",
        "depth",
        "event_id",
        "hashes",
        "origin_server_ts",
        "prev_events",
        "room_id",
        "sender",
        "signatures",
        "state_key",
        "type",
    }
)
_POWER_LEVELS = frozenset({"ban", "events", "events_default", "kick", "redact", "state_default", "users", "users_default"})


class _Rules(NamedTuple):
    version: RoomVersion
    top_level: frozenset[str]
    content: Mapping[str, frozenset[str] | None]  # by event type; None: the whole content stays


def _when(condition: bool, *keys: str) -> frozenset[str]:
    return frozenset(keys) if condition else frozenset()


def _rules(version: RoomVersion) -> _Rules:
    content: dict[str, frozenset[str] | None] = {
        "m.room.create": None if version.redaction_keeps_all_create_content else frozenset({"creator"}),
        "m.room.history_visibility": frozenset({"history_visibility"}),
        "m.room.join_rules": frozenset({"join_rule"}) | _when(version.redaction_keeps_join_rule_allow, "allow"),
        "m.room.member": frozenset({"membership"}) | _when(version.redaction_keeps_join_authorised_via, "join_authorised_via_users_server"),
        "m.room.power_levels": _POWER_LEVELS | _when(version.redaction_keeps_power_levels_invite, "invite"),
    }
    if version.redaction_keeps_aliases:
        content["m.room.aliases"] = frozenset({"aliases"})
    if version.redaction_keeps_redacts_content:
        content["m.room.redaction"] = frozenset({"redacts"})
    old = _when(version.redaction_keeps_origin_membership_prev_state, "origin", "membership", "prev_state")
    return _Rules(version, _TOP_LEVEL | old, content)


_RULES: Mapping[str, _Rules] = {identifier: _rules(version) for identifier, version in (ROOM_VERSIONS | UNSTABLE_ROOM_VERSIONS).items()}


def _rules_for(version: RoomVersion) -> _Rules:
    rules = _RULES.get(version.identifier)
    return rules if rules is not None and rules.version is version else _rules(version)


def redact_content(event_type: str, content: Mapping[str, Any], version: RoomVersion) -> dict[str, Any]:
    """The content that stays: a new dictionary, except where all of it stays."""
    keys = _rules_for(version).content.get(event_type, frozenset())
    if keys is None:
        return dict(content)
    if not keys:
        return {}
    kept = {key: content[key] for key in keys if key in content}
    if version.redaction_keeps_third_party_signed and event_type == "m.room.member":
        invite = content.get("third_party_invite")
        if isinstance(invite, dict):
            kept["third_party_invite"] = {"signed": invite["signed"]} if "signed" in invite else {}
    return kept


def redact(pdu: Mapping[str, Any], version: RoomVersion) -> dict[str, Any]:
    """The redacted PDU, sharing the values that stay; the given one is not changed. `unsigned` goes, as it is no part of an event."""
    top_level = _rules_for(version).top_level
    kept = {key: value for key, value in pdu.items() if key in top_level}
    kept["content"] = redact_content(pdu["type"], pdu["content"], version)
    return kept


def redact_event(event: Event) -> Event:
    """The same event, redacted: same event ID, same signatures, less content."""
    return Event.from_pdu(redact(event.pdu, event.version), event_id=event.event_id, room_id=event.room_id, version=event.version)
