"""Proving an address (client-server API, "requestToken"; Identity Service API, "submitToken"), and the page to which the link in a letter leads.

Programs that look into letters open their links. So the link alone proves nothing: a person says so on its page.
"""

from collections.abc import Callable
from html import escape
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from homeserver.accounts.threepids.proofs import ADD, CONFIRM_PATH, REGISTER, RESET, SUBMIT_PATH, Proofs, Wanted
from homeserver.client_api.people.fallback import Pages
from homeserver.errors import Forbidden, MatrixError, ThreepidDenied, ThreepidNotSupported
from homeserver.web.endpoint import Access, Answer, Body, Rate, Reply, Schema, endpoint
from homeserver.web.request import Request

_CLIENT = "/_matrix/client/v3"


class _Question(NamedTuple):
    title: str
    text: str
    button: str


_QUESTIONS = {
    REGISTER: _Question("Confirm your address", "Is it you who opens an account at {server} with the address {address}?", "Yes, confirm"),
    ADD: _Question("Confirm your address", "Is it you who adds the address {address} to an account at {server}?", "Yes, confirm"),
    RESET: _Question(
        "A new password", "Do you want a new password for your account at {server}? Only go on if you asked for it yourself.", "Yes"
    ),
}


class AddressProofs:
    def __init__(
        self, proofs: Proofs, pages: Pages, server_name: str, *, registers: Callable[[], bool], may_change: Callable[[], bool]
    ) -> None:
        """`registers`: whether people may register with an address; `may_change`: whether they may add one later."""
        self._proofs = proofs
        self._pages = pages
        self._server_name = server_name
        self._registers = registers
        self._may_change = may_change

    @endpoint(
        "POST", f"{_CLIENT}/register/email/requestToken", access=Access.NONE, rate=Rate.REGISTER, body=Schema("client/request_email_token")
    )
    async def to_register(self, request: Request) -> Answer:
        if self._proofs.possible and not self._registers():
            raise ThreepidDenied("Nobody registers here with an address")
        return await self._request(REGISTER, request)

    @endpoint(
        "POST",
        f"{_CLIENT}/account/password/email/requestToken",
        access=Access.NONE,
        rate=Rate.REGISTER,
        body=Schema("client/request_email_token"),
    )
    async def to_reset(self, request: Request) -> Answer:
        return await self._request(RESET, request)

    @endpoint(
        "POST",
        f"{_CLIENT}/account/3pid/email/requestToken",
        access=Access.OPTIONAL,
        rate=Rate.REGISTER,
        body=Schema("client/request_email_token"),
    )
    async def to_add(self, request: Request) -> Answer:
        if self._proofs.possible and not self._may_change():
            raise ThreepidDenied
        return await self._request(ADD, request)

    @endpoint(
        "POST",
        f"{_CLIENT}/register/msisdn/requestToken",
        access=Access.NONE,
        rate=Rate.REGISTER,
        body=Schema("client/request_msisdn_token"),
    )
    @endpoint(
        "POST",
        f"{_CLIENT}/account/password/msisdn/requestToken",
        access=Access.NONE,
        rate=Rate.REGISTER,
        body=Schema("client/request_msisdn_token"),
    )
    @endpoint(
        "POST",
        f"{_CLIENT}/account/3pid/msisdn/requestToken",
        access=Access.OPTIONAL,
        rate=Rate.REGISTER,
        body=Schema("client/request_msisdn_token"),
    )
    async def to_telephone(self, request: Request) -> Answer:
        raise ThreepidNotSupported("This server sends no text messages")

    async def _request(self, purpose: str, request: Request) -> Answer:
        body = request.body
        user_id = None if request.caller is None else request.caller.user_id
        wanted = Wanted(purpose, body["email"], body["client_secret"], body["send_attempt"], body.get("next_link"), user_id)
        return {"sid": await self._proofs.request(wanted), "submit_url": self._proofs.submit_url}

    @endpoint("POST", SUBMIT_PATH, access=Access.NONE, rate=Rate.REGISTER, body=Schema("client/submit_token"))
    async def submit(self, request: Request) -> Answer:
        body = request.body
        await self._proofs.submit(body["sid"], body["token"], body["client_secret"])
        return {"success": True}

    @endpoint("GET", CONFIRM_PATH, access=Access.NONE, rate=Rate.REGISTER, body=Body.NONE)
    async def ask(self, request: Request) -> Answer:
        """The page of the link; nothing is proven yet."""
        sid, token = request.required("sid"), request.required("token")
        try:
            session = await self._proofs.look(_plain(sid))
        except MatrixError as error:
            return self._problem(error)
        question = _QUESTIONS[session.purpose]
        text = question.text.format(server=self._server_name, address=session.address)
        action = escape(urlencode({"sid": sid, "token": token}))
        form = f'<p>{escape(text)}</p><form method="post" action="?{action}"><button>{escape(question.button)}</button></form>'
        return self._pages.page(question.title, form)

    @endpoint("POST", CONFIRM_PATH, access=Access.NONE, rate=Rate.REGISTER, body=Body.NONE)
    async def confirm(self, request: Request) -> Answer:
        try:
            next_link = await self._proofs.submit(_plain(request.required("sid")), request.required("token"), None)
        except MatrixError as error:
            return self._problem(error)
        if next_link is None:
            return self._pages.page("Thank you", "<p>This is done. You may close this page and go back to your app.</p>")
        host = urlsplit(next_link).hostname or ""
        link = f'<a href="{escape(next_link)}" rel="noopener noreferrer">{escape(host)}</a>'
        return self._pages.page("Thank you", f"<p>This is done. Go back to your app, or go on at {link}.</p>")

    def _problem(self, error: MatrixError) -> Reply:
        return self._pages.page("This did not work", f"<p>{escape(error.message)}.</p>", status=error.status)


def _plain(sid: str) -> str:
    if "\0" in sid:
        raise Forbidden
    return sid
