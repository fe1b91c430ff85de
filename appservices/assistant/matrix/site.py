"""The door on a port of its own, for the assistant that is a process of its own."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from appservices.assistant.matrix.door import Door


class DoorSite(Resource):
    isLeaf = True

    def __init__(self, door: Door) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._door = door

    def render(self, request: Any) -> Any:
        Deferred.fromCoroutine(self._answer(request))
        return NOT_DONE_YET

    async def _answer(self, request: Any) -> None:
        method, path = request.method.decode("ascii", "replace"), request.path.decode("ascii", "replace")
        authorization = (request.getHeader(b"authorization") or b"").decode("latin-1")
        said = await self._door.answer(method, path, authorization, request.content.read())
        if request.channel is not None:
            request.setResponseCode(said.status)
            request.setHeader("Content-Type", said.kind)
            request.write(said.body)
            request.finish()


def listen(door: Door, reactor: Any, host: str, port: int) -> Any:
    """The port that was opened."""
    site = Site(DoorSite(door), reactor=reactor)
    site.displayTracebacks = False
    site.noisy = False
    return reactor.listenTCP(port, site, interface=host)
