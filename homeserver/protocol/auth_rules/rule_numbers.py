"""Where a rule stands in the list of its room version: rooms/v1 to v12, "Authorisation rules".

A rule is known here by its path ("member.join.sender"); which rules a version has, and so their numbers, follows from its fields.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from homeserver.protocol.errors import NotAuthorised
from homeserver.protocol.room_versions import RoomVersion

_THIRD_PARTY: Final = ("banned", "signed", "mxid_token", "mxid", "token", "sender", "signature", "otherwise")

_CHILDREN: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "": (
            *("create", "room_id", "auth_events", "federate", "aliases", "member", "joined", "third_party_invite"),
            *("required_level", "foreign_state_key", "power_levels", "redaction"),
        ),
        "create": ("prev_events", "room_id", "room_version", "creator", "additional_creators"),
        "auth_events": ("duplicate", "unselected", "rejected", "create", "room"),
        "aliases": ("state_key", "domain"),
        "member": ("shape", "authoriser", "join", "invite", "leave", "ban", "knock", "unknown"),
        "member.join": ("creator", "sender", "banned", "invited", "restricted", "public", "otherwise"),
        "member.join.restricted": ("member", "authoriser"),
        "member.invite": ("third_party", "sender", "target", "level", "otherwise"),
        "member.invite.third_party": _THIRD_PARTY,
        "member.leave": ("self", "sender", "unban", "level", "otherwise"),
        "member.ban": ("sender", "level", "otherwise"),
        "member.knock": ("join_rule", "sender", "membership", "otherwise"),
        "power_levels": (
            *("levels", "maps", "users", "creators", "first", "level_changed"),
            *("entry_removed", "entry_added", "user_removed", "user_added"),
        ),
        "power_levels.level_changed": ("current", "new"),
        "redaction": ("level", "domain", "otherwise"),
    }
)

_ONLY_IF: Final[Mapping[str, Callable[[RoomVersion], bool]]] = MappingProxyType(
    {
        "room_id": lambda version: version.room_id_is_create_hash,
        "aliases": lambda version: version.special_case_aliases,
        "redaction": lambda version: version.redactions_by_auth_rule,
        "create.creator": lambda version: not version.creator_from_sender,
        "create.additional_creators": lambda version: version.privileged_creators,
        "auth_events.create": lambda version: not version.room_id_is_create_hash,
        "member.authoriser": lambda version: version.restricted_joins,
        "member.knock": lambda version: version.knocking,
        "member.join.restricted": lambda version: version.restricted_joins,
        "power_levels.levels": lambda version: version.integer_power_levels,
        "power_levels.maps": lambda version: version.integer_power_levels,
        "power_levels.creators": lambda version: version.privileged_creators,
    }
)


def number(version: RoomVersion, rule: str) -> str:
    """The number of the rule at this path in this version's list, as "5.3.2".

    A path whose last step this version does not list keeps the number of the rule above it.
    """
    path, found = "", []
    for name in rule.split("."):
        shown = [child for child in _CHILDREN.get(path, ()) if _is_listed(version, f"{path}.{child}" if path else child)]
        if name not in shown:
            break
        found.append(str(shown.index(name) + 1))
        path = f"{path}.{name}" if path else name
    return ".".join(found)


def refusal(version: RoomVersion, rule: str, reason: str) -> NotAuthorised:
    """The exception that says which rule refuses and why."""
    return NotAuthorised(f"rule {number(version, rule)} ({rule}): {reason}")


def _is_listed(version: RoomVersion, path: str) -> bool:
    condition = _ONLY_IF.get(path)
    return condition is None or condition(version)
