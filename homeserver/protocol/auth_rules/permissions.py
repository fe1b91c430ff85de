"""The questions the client API asks before it tries: may this user do that to the other? Membership is not looked at."""

from homeserver.protocol.auth_rules.power_levels import PowerLevels


def may_send(levels: PowerLevels, user_id: str, type: str, *, is_state: bool) -> bool:
    return levels.user(user_id) >= levels.event(type, is_state)


def may_invite(levels: PowerLevels, user_id: str) -> bool:
    return levels.user(user_id) >= levels.invite


def may_kick(levels: PowerLevels, user_id: str, target: str) -> bool:
    power = levels.user(user_id)
    return power >= levels.kick and levels.user(target) < power


def may_ban(levels: PowerLevels, user_id: str, target: str) -> bool:
    power = levels.user(user_id)
    return power >= levels.ban and levels.user(target) < power


def may_notify(levels: PowerLevels, user_id: str, key: str = "room") -> bool:
    return levels.user(user_id) >= levels.notification(key)
