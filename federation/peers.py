"""Who asks: the server that signed a request, and whether the room it asks about lets it in. Fills `homeserver.web.access.Peers`."""

from federation import x_matrix
from federation.keyring import Keyring
from federation.outages import Outages
from federation.room_acls import RoomAcls
from federation.server_policy import ServerPolicy
from homeserver.errors import Forbidden, Unauthorized
from homeserver.web.request import Request


class SignedPeers:
    def __init__(self, own_name: str, keyring: Keyring, outages: Outages, policy: ServerPolicy, acls: RoomAcls) -> None:
        self._own_name = own_name
        self._keyring = keyring
        self._outages = outages
        self._policy = policy
        self._acls = acls

    async def authenticate(self, request: Request) -> str:
        """Raises Unauthorized; Forbidden for a server that the settings bar."""
        claim = x_matrix.read(request.headers.get("authorization"))
        if claim.destination is not None and claim.destination != self._own_name:
            raise Unauthorized("The request is signed for another server")
        if claim.origin == self._own_name:
            raise Unauthorized("This server does not ask itself")
        if not self._policy.allows(claim.origin):
            raise Forbidden("This server does not talk to yours")
        key = await self._keyring.request_key(claim.origin, claim.key_id)
        uri = f"{request.path}?{request.query_text}" if request.query_text else request.path
        x_matrix.verify(claim, key, method=request.method, uri=uri, body=request.raw_body)
        self._outages.alive(claim.origin)
        return claim.origin

    async def admit(self, peer: str, room_id: str) -> None:
        await self._acls.check(peer, room_id)
