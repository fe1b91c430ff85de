"""Which strings count as user IDs inside the rules: appendices, "User Identifiers", the historical form.

Rooms live with IDs that today's grammar forbids, and all servers must judge them alike; so no more is asked than the rules need.
"""

from typing import Final

from homeserver.protocol.limits import MAX_IDENTIFIER_BYTES

_SERVER_NAME_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]")


def domain_of(identifier: str) -> str:
    """What stands after the first colon, "" if there is none."""
    return identifier.partition(":")[2]


def looks_like_user_id(value: object) -> bool:
    """A sigil, a local part and a domain, of whatever letters."""
    return isinstance(value, str) and value.startswith("@") and ":" in value


def is_user_id(value: object) -> bool:
    """As above with the length and the server name checked, as is done for a sender."""
    if not isinstance(value, str) or not looks_like_user_id(value):
        return False
    domain = domain_of(value)
    return bool(domain) and _SERVER_NAME_LETTERS.issuperset(domain) and len(value.encode("utf-8", "replace")) <= MAX_IDENTIFIER_BYTES
