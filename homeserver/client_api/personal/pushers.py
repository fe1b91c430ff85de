"""Pushers (client-server API, "Push Notifications"), and the page that ends letters about messages."""

from html import escape
from urllib.parse import urlencode

from homeserver.client_api.people.fallback import Pages
from homeserver.push.pushers.letters import UNSUBSCRIBE_PATH
from homeserver.push.pushers.pushers import Pushers
from homeserver.web.endpoint import Access, Answer, Body, Rate, Schema, endpoint
from homeserver.web.request import Request


class PusherEndpoints:
    def __init__(self, pushers: Pushers) -> None:
        self._pushers = pushers

    @endpoint("GET", "/_matrix/client/v3/pushers", access=Access.USER, rate=Rate.READ, body=Body.NONE)
    async def list(self, request: Request) -> Answer:
        return {"pushers": await self._pushers.of_user(request.user.user_id)}

    @endpoint("POST", "/_matrix/client/v3/pushers/set", access=Access.USER, rate=Rate.WRITE, body=Schema("client/pusher"))
    async def set(self, request: Request) -> Answer:
        caller, body = request.user, request.body
        if body["kind"] is None:
            await self._pushers.remove(caller.user_id, body["app_id"], body["pushkey"])
        else:
            await self._pushers.set(caller.user_id, caller.device_id, body)
        return {}


class LetterEnd:
    """The link at the end of letters about messages. Opening it asks; mail programs with a button of their own send the answer at once (RFC 8058)."""

    def __init__(self, pushers: Pushers, pages: Pages) -> None:
        self._pushers = pushers
        self._pages = pages

    @endpoint("GET", UNSUBSCRIBE_PATH, access=Access.NONE, rate=Rate.REGISTER, body=Body.NONE)
    async def ask(self, request: Request) -> Answer:
        secret = _plain(request.required("token"))
        address = await self._pushers.subscription(secret)
        if address is None:
            return self._pages.page("No more letters", "<p>No letters about messages are sent by this link any more.</p>")
        action = escape(urlencode({"token": secret}))
        form = f'<form method="post" action="?{action}"><button>Yes, no more letters</button></form>'
        return self._pages.page("No more letters?", f"<p>Shall no more letters about unread messages go to {escape(address)}?</p>{form}")

    @endpoint("POST", UNSUBSCRIBE_PATH, access=Access.NONE, rate=Rate.REGISTER, body=Body.NONE)
    async def end(self, request: Request) -> Answer:
        await self._pushers.unsubscribe(_plain(request.required("token")))
        return self._pages.page("No more letters", "<p>This is done: no more letters about unread messages will be sent.</p>")


def _plain(secret: str) -> str:
    return "" if "\0" in secret else secret
