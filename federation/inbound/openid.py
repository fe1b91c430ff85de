"""Whose OpenID token it is, for the service that was given it: server-server API, "OpenID"."""

from homeserver.errors import UnknownToken
from homeserver.integrations.openid import OpenIdTokens
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request


class OpenIdEndpoint:
    def __init__(self, tokens: OpenIdTokens) -> None:
        self._tokens = tokens

    @endpoint("GET", "/_matrix/federation/v1/openid/userinfo", access=Access.NONE, rate=Rate.READ, body=Body.NONE)
    async def userinfo(self, request: Request) -> Answer:
        owner = await self._tokens.owner_of(request.required("access_token"))
        if owner is None:
            raise UnknownToken("Access token unknown or expired")
        return {"sub": owner}
