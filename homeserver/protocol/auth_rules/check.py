"""May this event stand in this state? All rules that look at the state, in the order of the room version's list.

Rooms/v1 to v12, "Authorisation rules". Whatever is missing, unknown or of a wrong type refuses.
"""

from collections.abc import Mapping

from homeserver.protocol.auth_rules import power_levels as levels_of
from homeserver.protocol.auth_rules.aliases import check_aliases
from homeserver.protocol.auth_rules.create import check_create
from homeserver.protocol.auth_rules.membership import check_membership
from homeserver.protocol.auth_rules.needed_state import CREATE, POWER_LEVELS
from homeserver.protocol.auth_rules.power_level_changes import check_power_levels
from homeserver.protocol.auth_rules.power_levels import PowerLevels
from homeserver.protocol.auth_rules.redaction import check_redaction
from homeserver.protocol.auth_rules.rule_numbers import refusal
from homeserver.protocol.auth_rules.user_id_shape import domain_of, owner_of
from homeserver.protocol.event import Event, StateKey


def check_event(
    event: Event,
    state: Mapping[StateKey, Event],
    *,
    create: Event | None = None,
    power_levels: PowerLevels | None = None,
) -> None:
    """Raises NotAuthorised, naming the rule, if the state does not allow the event.

    `state` holds at least `judging_state(event)`, as far as it exists; `create` and `power_levels` spare looking up what the caller has at
    hand and must be those of `state`.
    """
    type_ = event.type
    if type_ == "m.room.create":
        check_create(event)
        return
    if create is None:
        create = state.get(CREATE)
    if create is None or create.room_id != event.room_id:
        rule = "room_id" if event.version.room_id_is_create_hash else "auth_events.create"
        raise refusal(event.version, rule, "the room has no create event")
    if create.content.get("m.federate", True) is not True and domain_of(create.sender) != domain_of(event.sender):
        raise refusal(event.version, "federate", "the room is not federated")
    if type_ == "m.room.aliases" and event.version.special_case_aliases:
        check_aliases(event)
        return
    if power_levels is None:
        power_levels = levels_of.of(state.get(POWER_LEVELS), create)
    if type_ == "m.room.member":
        check_membership(event, state, create, power_levels)
        return
    member = state.get(("m.room.member", event.sender))
    if member is None or member.content.get("membership") != "join":
        raise refusal(event.version, "joined", "the sender is not in the room")
    _check_sending(event, state, power_levels)


def _check_sending(event: Event, state: Mapping[StateKey, Event], levels: PowerLevels) -> None:
    """The rules after the one that the sender is in the room."""
    type_, state_key = event.type, event.state_key
    power = levels.user(event.sender)
    if type_ == "m.room.third_party_invite":
        if power < levels.invite:
            raise refusal(event.version, "third_party_invite", "the sender lacks the power to invite")
        return
    if power < levels.event(type_, state_key is not None):
        raise refusal(event.version, "required_level", "the sender lacks the power to send this")
    if state_key is not None and state_key != event.sender and state_key.startswith("@"):
        _check_owner(event, state_key, levels)
    if type_ == "m.room.power_levels":
        # Only the empty state key has power; under another there is never a previous event to compare with.
        check_power_levels(event, None if state_key else state.get(POWER_LEVELS), levels)
    elif type_ == "m.room.redaction" and event.version.redactions_by_auth_rule:
        check_redaction(event, levels)


def _check_owner(event: Event, state_key: str, levels: PowerLevels) -> None:
    """Such a key belongs to a user: to himself alone, or in some versions also to whoever has more power (MSC3757)."""
    owner = owner_of(state_key) if event.version.owned_state else None
    if owner is None or (owner != event.sender and levels.user(event.sender) <= levels.user(owner)):
        raise refusal(event.version, "foreign_state_key", "the state key is another user")
