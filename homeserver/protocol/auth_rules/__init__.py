"""May this event stand? The authorisation rules of room versions 1 to 12 (rooms/, "Authorisation rules"): one rule, one function."""

from homeserver.protocol.auth_rules import power_levels
from homeserver.protocol.auth_rules.auth_events import check_auth_events, create_event_id, may_cite_too
from homeserver.protocol.auth_rules.check import check_event
from homeserver.protocol.auth_rules.membership import join_rule_of, membership_of
from homeserver.protocol.auth_rules.needed_state import judging_state, needed_state
from homeserver.protocol.auth_rules.permissions import may_ban, may_invite, may_kick, may_notify, may_send
from homeserver.protocol.auth_rules.power_levels import INFINITE, Level, PowerLevels
from homeserver.protocol.auth_rules.redaction import may_redact
from homeserver.protocol.auth_rules.signers import required_signers

__all__ = [
    "INFINITE",
    "Level",
    "PowerLevels",
    "check_auth_events",
    "check_event",
    "create_event_id",
    "join_rule_of",
    "judging_state",
    "may_ban",
    "may_cite_too",
    "may_invite",
    "may_kick",
    "may_notify",
    "may_redact",
    "may_send",
    "membership_of",
    "needed_state",
    "power_levels",
    "required_signers",
]
