"""Paths that name a user and are open to that user alone."""

from homeserver.errors import Forbidden
from homeserver.web.request import Request


def require_own(request: Request, user_id: str) -> str:
    """The caller's user ID, if it is the one in the path; raises Forbidden."""
    own = request.user.user_id
    if own != user_id:
        raise Forbidden("You cannot do this for another user")
    return own
