"""Whom a server may speak for: its own users."""

from homeserver.errors import Forbidden
from homeserver.protocol.ids import UserId


def own_user(user_id: str, origin: str) -> str:
    """The user ID; raises Forbidden for a user of another server, InvalidIdentifier."""
    if UserId.parse(user_id).server_name != origin:
        raise Forbidden("This user belongs to another server")
    return user_id
