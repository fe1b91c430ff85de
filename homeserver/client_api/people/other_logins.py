"""Logging in at a provider outside: there is none here, and that is said in the way each kind of client expects.

Client-server API, "SSO client login/authentication", "Authentication API discovery".
"""

from homeserver.errors import NotFound, Unrecognized
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request


class OtherLogins:
    @endpoint("GET", "/_matrix/client/v1/auth_metadata", access=Access.NONE, rate=Rate.READ, body=Body.NONE)
    async def auth_metadata(self, request: Request) -> Answer:
        raise Unrecognized("This server does not use OAuth 2.0: see /_matrix/client/v3/login for what it offers")

    @endpoint("GET", "/_matrix/client/v3/login/sso/redirect", access=Access.NONE, rate=Rate.READ, body=Body.NONE)
    async def redirect(self, request: Request) -> Answer:
        request.required("redirectUrl")
        raise NotFound("This server offers no single sign-on")

    @endpoint("GET", "/_matrix/client/v3/login/sso/redirect/{idp_id}", access=Access.NONE, rate=Rate.READ, body=Body.NONE)
    async def redirect_to(self, request: Request, idp_id: str) -> Answer:
        request.required("redirectUrl")
        raise NotFound("This server knows no such identity provider")
