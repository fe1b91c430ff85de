"""What calls need to find their way (client-server API, "Voice over IP")."""

from homeserver.integrations.turn import TurnCredentials
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request


class Voip:
    def __init__(self, credentials: TurnCredentials) -> None:
        self._credentials = credentials

    @endpoint("GET", "/_matrix/client/v3/voip/turnServer", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def turn_server(self, request: Request) -> Answer:
        """Without a TURN server: {}, which clients know to mean that."""
        caller = request.user
        return self._credentials.of(caller.user_id, is_guest=caller.is_guest) or {}
