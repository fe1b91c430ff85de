"""Which strings count as user IDs inside the rules: appendices, "User Identifiers", the historical form.

Rooms live with IDs that today's grammar forbids, and all servers must judge them alike; so no more is asked than the rules need.
"""

from homeserver.protocol.errors import InvalidIdentifier
from homeserver.protocol.ids import UserId


def domain_of(identifier: str) -> str:
    """What stands after the first colon, "" if there is none."""
    return identifier.partition(":")[2]


def looks_like_user_id(value: object) -> bool:
    """A sigil, a local part and a domain, of whatever letters."""
    return isinstance(value, str) and value.startswith("@") and ":" in value


def owner_of(state_key: str) -> str | None:
    """The user ID that a state key consists of, or begins with before an underscore (MSC3757); None: there is none."""
    localpart, colon, rest = state_key.partition(":")
    user_id = f"{localpart}{colon}{rest.partition('_')[0]}"
    return user_id if is_user_id(user_id) else None


def is_user_id(value: object) -> bool:
    """As a sender must be: also the length and the server name are right."""
    try:
        UserId.parse(value)
    except InvalidIdentifier:
        return False
    return True
