"""From the owner of an access token to the caller that endpoints see."""

from homeserver.accounts.store import TokenOwner
from homeserver.web.endpoint import Caller


def caller_of(owner: TokenOwner, token_id: int) -> Caller:
    return Caller(
        owner.user_id,
        owner.device_id,
        token_id,
        is_guest=owner.is_guest,
        is_admin=owner.is_admin,
        locked=owner.locked,
        suspended=owner.suspended,
    )
