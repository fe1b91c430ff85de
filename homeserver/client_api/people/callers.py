"""Between accounts and the edge: from the owner of an access token to the caller, and from a request to the device that was seen."""

from collections.abc import Callable

from homeserver.accounts.issue import Grant
from homeserver.accounts.store import TokenOwner
from homeserver.devices.last_seen import LastSeen
from homeserver.web.endpoint import Caller
from homeserver.web.request import Request


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


def note_login(last_seen: LastSeen, request: Request, grant: Grant) -> None:
    """A device is seen for the first time when it is made: libraries want all of their devices to have been seen."""
    last_seen.note(grant.user_id, grant.device_id, request.received_ms, request.remote_ip, request.headers.get("user-agent"))


def note_seen(last_seen: LastSeen) -> Callable[[Request], None]:
    """What the edge calls for every request that came with a token. Devices that application services speak for are passed over."""

    def note(request: Request) -> None:
        caller = request.caller
        if caller is not None and caller.device_id is not None and caller.token_id:
            last_seen.note(caller.user_id, caller.device_id, request.received_ms, request.remote_ip, request.headers.get("user-agent"))

    return note
