"""Who may redact: rule 11 of room versions 1 and 2; from version 3 rooms/v3, "Handling redactions", judged when both events are here."""

from homeserver.protocol.auth_rules.power_levels import PowerLevels
from homeserver.protocol.auth_rules.rule_numbers import refusal
from homeserver.protocol.auth_rules.user_id_shape import domain_of
from homeserver.protocol.event import Event


def check_redaction(event: Event, levels: PowerLevels) -> None:
    """Rule 11."""
    if levels.user(event.sender) >= levels.redact:
        return
    redacts = event.redacts
    if not isinstance(redacts, str) or not domain_of(redacts) or domain_of(redacts) != domain_of(event.event_id):
        raise refusal(event.version, "redaction.otherwise", "neither the power nor the same server")


def may_redact(redaction: Event, target: Event, levels: PowerLevels) -> bool:
    """Whether an accepted redaction is to be applied to its target; `levels` are those at the redaction."""
    if redaction.room_id != target.room_id or redaction.type != "m.room.redaction":
        return False
    if levels.user(redaction.sender) >= levels.redact:
        return True
    if redaction.version.redactions_by_auth_rule:
        return bool(domain_of(target.event_id)) and domain_of(target.event_id) == domain_of(redaction.event_id)
    return domain_of(redaction.sender) == domain_of(target.sender)
