"""Cross-signing keys and signatures (client-server API, "Cross-signing")."""

from homeserver.accounts.interactive_auth import InteractiveAuth
from homeserver.client_api.people.interactive import confirm
from homeserver.encryption.cross_signing import CrossSigning, names_keys
from homeserver.encryption.signatures import SignatureUpload
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request

_V3 = "/_matrix/client/v3/keys"
_UNSTABLE = "/_matrix/client/unstable/keys"  # as clients had it before it was in the specification


class CrossSigningEndpoints:
    def __init__(self, cross_signing: CrossSigning, signatures: SignatureUpload, auth: InteractiveAuth) -> None:
        self._cross_signing = cross_signing
        self._signatures = signatures
        self._auth = auth

    @endpoint("POST", f"{_V3}/device_signing/upload", access=Access.USER, rate=Rate.WRITE, body=Body.OBJECT)
    @endpoint("POST", f"{_UNSTABLE}/device_signing/upload", access=Access.USER, rate=Rate.WRITE, body=Body.OBJECT)
    async def upload(self, request: Request) -> Answer:
        body, caller = request.body, request.user
        is_proven = caller.appservice is not None
        if not names_keys(body) and body.get("auth") is not None:  # the proof comes back alone
            body, is_proven = (await confirm(self._auth, request)).parameters, True
        while True:
            replacement = await self._cross_signing.weigh(caller.user_id, body)
            if replacement.needs_proof and not is_proven:
                body, is_proven = (await confirm(self._auth, request)).parameters, True
            elif await self._cross_signing.replace(replacement):
                return {}

    @endpoint("POST", f"{_V3}/signatures/upload", access=Access.USER, rate=Rate.WRITE, body=Body.OBJECT)
    @endpoint("POST", f"{_UNSTABLE}/signatures/upload", access=Access.USER, rate=Rate.WRITE, body=Body.OBJECT)
    async def sign(self, request: Request) -> Answer:
        return {"failures": await self._signatures.upload(request.user.user_id, request.body)}
