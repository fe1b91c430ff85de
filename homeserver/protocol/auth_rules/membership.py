"""Who comes, is called, goes and is sent away: the rule on `m.room.member` of every room version (4 or 5, by version)."""

from collections.abc import Mapping

from homeserver.protocol.auth_rules.needed_state import JOIN_RULES
from homeserver.protocol.auth_rules.power_levels import PowerLevels, creator_of
from homeserver.protocol.auth_rules.rule_numbers import refusal
from homeserver.protocol.auth_rules.third_party import check_third_party_invite
from homeserver.protocol.auth_rules.user_id_shape import domain_of
from homeserver.protocol.event import Event, StateKey

State = Mapping[StateKey, Event]


def membership_of(state: State, user_id: object) -> str | None:
    """The user's membership in this state; None if there is none or it is no string."""
    if not isinstance(user_id, str):
        return None
    member = state.get(("m.room.member", user_id))
    if member is None:
        return None
    membership = member.content.get("membership")
    return membership if isinstance(membership, str) else None


def check_membership(event: Event, state: State, create: Event, levels: PowerLevels) -> None:
    """The whole rule; that the authoriser's server signed is `required_signers`' part."""
    membership = event.content.get("membership")
    if event.state_key is None or not isinstance(membership, str):
        raise refusal(event.version, "member.shape", "no state key or no membership")
    if ":" not in event.state_key:
        raise refusal(event.version, "member.shape", "the state key is no user ID")
    if membership == "join" and event.prev_events == (create.event_id,) and creator_of(create) == event.state_key:
        return
    _check_target_may_be_here(event, create)
    if membership == "join":
        _check_join(event, state, levels)
    elif membership == "invite":
        _check_invite(event, state, levels)
    elif membership == "leave":
        _check_leave(event, state, levels)
    elif membership == "ban":
        _check_ban(event, state, levels)
    elif membership == "knock" and event.version.knocking:
        _check_knock(event, state)
    else:
        raise refusal(event.version, "member.unknown", "the membership is unknown")


def join_rule_of(state: State) -> object:
    """The room's join rule, `invite` where none is stated."""
    rules = state.get(JOIN_RULES)
    return "invite" if rules is None else rules.content.get("join_rule", "invite")


def _check_target_may_be_here(event: Event, create: Event) -> None:
    # No server but the creating one sees such a room, so asking it of the target too can split nothing; others ask it as well.
    if create.content.get("m.federate", True) is not True and domain_of(event.state_key or "") != domain_of(create.sender):
        raise refusal(event.version, "federate", "the room is not federated and the user is of another server")


def _check_join(event: Event, state: State, levels: PowerLevels) -> None:
    version = event.version
    if event.sender != event.state_key:
        raise refusal(version, "member.join.sender", "nobody joins another")
    current = membership_of(state, event.sender)
    if current == "ban":
        raise refusal(version, "member.join.banned", "the user is banned")
    rule = join_rule_of(state)
    if rule == "public":
        return
    if rule == "invite" or (rule == "knock" and version.knocking):
        if current not in ("invite", "join"):
            raise refusal(version, "member.join.otherwise", "the user is not invited")
    elif (rule == "restricted" and version.restricted_joins) or (rule == "knock_restricted" and version.knock_restricted):
        if current not in ("invite", "join"):
            _check_authoriser(event, state, levels)
    else:
        raise refusal(version, "member.join.otherwise", "the join rule lets nobody in")


def _check_authoriser(event: Event, state: State, levels: PowerLevels) -> None:
    authoriser = event.content.get("join_authorised_via_users_server")
    rule = "member.join.restricted.authoriser"
    if not isinstance(authoriser, str) or membership_of(state, authoriser) != "join":
        raise refusal(event.version, rule, "no joined user stands for the join")
    if levels.user(authoriser) < levels.invite:
        raise refusal(event.version, rule, "the user who stands for the join may not invite")


def _check_invite(event: Event, state: State, levels: PowerLevels) -> None:
    version = event.version
    target = membership_of(state, event.state_key)
    if "third_party_invite" in event.content:
        check_third_party_invite(event, state, target)
        return
    if membership_of(state, event.sender) != "join":
        raise refusal(version, "member.invite.sender", "the sender is not in the room")
    if target in ("join", "ban"):
        raise refusal(version, "member.invite.target", "the user is in the room or banned")
    if levels.user(event.sender) < levels.invite:
        raise refusal(version, "member.invite.otherwise", "the sender lacks the power to invite")


def _check_leave(event: Event, state: State, levels: PowerLevels) -> None:
    version = event.version
    current = membership_of(state, event.sender)
    if event.sender == event.state_key:
        if current not in ("invite", "join") and not (current == "knock" and version.knocking):
            raise refusal(version, "member.leave.self", "the user is not there to leave")
        return
    if current != "join":
        raise refusal(version, "member.leave.sender", "the sender is not in the room")
    power = levels.user(event.sender)
    if membership_of(state, event.state_key) == "ban" and power < levels.ban:
        raise refusal(version, "member.leave.unban", "the sender lacks the power to unban")
    if power < levels.kick or levels.user(event.state_key or "") >= power:
        raise refusal(version, "member.leave.otherwise", "the sender lacks the power to remove this user")


def _check_ban(event: Event, state: State, levels: PowerLevels) -> None:
    version = event.version
    if membership_of(state, event.sender) != "join":
        raise refusal(version, "member.ban.sender", "the sender is not in the room")
    power = levels.user(event.sender)
    if power < levels.ban or levels.user(event.state_key or "") >= power:
        raise refusal(version, "member.ban.otherwise", "the sender lacks the power to ban this user")


def _check_knock(event: Event, state: State) -> None:
    version = event.version
    rule = join_rule_of(state)
    if rule != "knock" and not (rule == "knock_restricted" and version.knock_restricted):
        raise refusal(version, "member.knock.join_rule", "the join rule is not to knock")
    if event.sender != event.state_key:
        raise refusal(version, "member.knock.sender", "nobody knocks for another")
    if membership_of(state, event.sender) in ("ban", "invite", "join"):
        raise refusal(version, "member.knock.otherwise", "the user is banned, invited or in the room")
