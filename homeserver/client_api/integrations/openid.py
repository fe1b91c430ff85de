"""A token with which a service beside Matrix learns who one is (client-server API, "OpenID")."""

from homeserver.client_api.personal.own import require_own
from homeserver.integrations.openid import OpenIdTokens
from homeserver.protocol.ids import UserId
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request


class OpenId:
    def __init__(self, tokens: OpenIdTokens, server_name: str) -> None:
        self._tokens = tokens
        self._server_name = server_name

    @endpoint(
        "POST",
        "/_matrix/client/v3/user/{user_id}/openid/request_token",
        access=Access.GUEST,
        rate=Rate.WRITE,
        body=Body.OPTIONAL_OBJECT,
    )
    async def request_token(self, request: Request, user_id: UserId) -> Answer:
        return {
            "access_token": await self._tokens.issue(require_own(request, user_id)),
            "token_type": "Bearer",
            "matrix_server_name": self._server_name,
            "expires_in": self._tokens.lifetime_seconds,
        }
