"""Previews of web pages (client-server API, "Content repository")."""

from homeserver.media.previews.preview import Previews
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request


class PreviewEndpoints:
    def __init__(self, previews: Previews) -> None:
        self._previews = previews

    @endpoint("GET", "/_matrix/client/v1/media/preview_url", access=Access.USER, rate=Rate.WRITE, body=Body.NONE)
    @endpoint("GET", "/_matrix/media/v3/preview_url", access=Access.USER, rate=Rate.WRITE, body=Body.NONE)
    async def preview(self, request: Request) -> Answer:
        request.integer("ts", 0)  # we have the present alone
        url = request.required("url")
        request.waits = True  # a server that stops does not wait for others
        return await self._previews.of(url)
