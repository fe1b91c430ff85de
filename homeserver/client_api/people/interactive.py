"""A request as user-interactive auth sees it, and the flow of those who have an account."""

from homeserver.accounts.interactive_auth import Attempt, Flow, InteractiveAuth, Proof
from homeserver.accounts.stages import PASSWORD
from homeserver.web.request import Request

OWN_PASSWORD: tuple[Flow, ...] = ((PASSWORD,),)


def attempt_of(request: Request, *, fixed: bool = True) -> Attempt:
    user_id = None if request.caller is None else request.caller.user_id
    return Attempt(request.method, request.path, request.body, request.remote_ip, user_id, fixed)


async def confirm(auth: InteractiveAuth, request: Request) -> Proof:
    """Lets the caller prove with the password that it is the account's owner; raises InteractiveAuthRequired until then."""
    return await auth.require(attempt_of(request), OWN_PASSWORD)
