"""The stage m.login.email.identity of user-interactive auth (client-server API, "Email-based")."""

from typing import Any

from homeserver.accounts.interactive_auth import Attempt, StageRefused
from homeserver.accounts.threepids.proofs import EMAIL, REGISTER, RESET, Proofs
from homeserver.errors import Forbidden, MissingParam, ThreepidAuthFailed

EMAIL_STAGE = "m.login.email.identity"
_PURPOSES = {"register": REGISTER, "password": RESET}  # by the last word of the path that is to be authorised


class NotProvenYet(StageRefused):
    """Clients ask again until the link has been opened."""

    status, errcode = 401, "M_UNAUTHORIZED"


class EmailStage:
    """An address that was proven here; its result says which."""

    name = EMAIL_STAGE

    def __init__(self, proofs: Proofs) -> None:
        self._proofs = proofs

    def params(self) -> dict[str, Any] | None:
        return None

    async def check(self, auth: dict[str, Any], attempt: Attempt | None) -> Any:
        creds = auth.get("threepid_creds", auth.get("threepidCreds"))
        if not isinstance(creds, dict):
            raise MissingParam("auth.threepid_creds is missing")
        purpose = None if attempt is None else _PURPOSES.get(attempt.path.rpartition("/")[2])
        if purpose is None:
            raise Forbidden("An address proves nothing here")
        try:
            proven = await self._proofs.proven(purpose, creds.get("sid"), creds.get("client_secret"))
        except ThreepidAuthFailed as error:
            raise NotProvenYet(error.message) from error
        return {"medium": EMAIL, "address": proven.address, "validated_at": proven.validated_ts, "sid": proven.sid}
