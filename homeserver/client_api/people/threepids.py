"""Addresses and telephone numbers of accounts (client-server API, "Adding Account Administrative Contact Information").

This server keeps none: lists are empty, and whatever would add one is denied, as the capability m.3pid_changes says.
"""

from homeserver.errors import ThreepidDenied
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request

_CLIENT = "/_matrix/client/v3"


class Threepids:
    @endpoint("GET", f"{_CLIENT}/account/3pid", access=Access.USER, rate=Rate.READ, body=Body.NONE)
    async def list(self, request: Request) -> Answer:
        return {"threepids": []}

    @endpoint("POST", f"{_CLIENT}/account/3pid", access=Access.USER, rate=Rate.WRITE, body=Body.OBJECT)
    @endpoint("POST", f"{_CLIENT}/account/3pid/add", access=Access.USER, rate=Rate.WRITE, body=Body.OBJECT)
    @endpoint("POST", f"{_CLIENT}/account/3pid/bind", access=Access.USER, rate=Rate.WRITE, body=Body.OBJECT)
    async def add(self, request: Request) -> Answer:
        raise ThreepidDenied

    @endpoint("POST", f"{_CLIENT}/account/3pid/delete", access=Access.USER, rate=Rate.WRITE, body=Body.OBJECT)
    @endpoint("POST", f"{_CLIENT}/account/3pid/unbind", access=Access.USER, rate=Rate.WRITE, body=Body.OBJECT)
    async def remove(self, request: Request) -> Answer:
        """It is not here, which is all that was asked; what an identity server knows is not in our hands."""
        return {"id_server_unbind_result": "no-support"}

    @endpoint("POST", f"{_CLIENT}/register/email/requestToken", access=Access.NONE, rate=Rate.REGISTER, body=Body.OBJECT)
    @endpoint("POST", f"{_CLIENT}/register/msisdn/requestToken", access=Access.NONE, rate=Rate.REGISTER, body=Body.OBJECT)
    @endpoint("POST", f"{_CLIENT}/account/password/email/requestToken", access=Access.NONE, rate=Rate.REGISTER, body=Body.OBJECT)
    @endpoint("POST", f"{_CLIENT}/account/password/msisdn/requestToken", access=Access.NONE, rate=Rate.REGISTER, body=Body.OBJECT)
    @endpoint("POST", f"{_CLIENT}/account/3pid/email/requestToken", access=Access.NONE, rate=Rate.REGISTER, body=Body.OBJECT)
    @endpoint("POST", f"{_CLIENT}/account/3pid/msisdn/requestToken", access=Access.NONE, rate=Rate.REGISTER, body=Body.OBJECT)
    async def request_token(self, request: Request) -> Answer:
        raise ThreepidDenied
