"""What one has been notified about (client-server API, "Listing Notifications")."""

import orjson

from homeserver.push.notifications import Notifications
from homeserver.rooms.reading.serve import EventServing, Viewer
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request

DEFAULT_LIMIT = 20
MAX_LIMIT = 200


class NotificationEndpoints:
    def __init__(self, notifications: Notifications, serving: EventServing) -> None:
        self._notifications = notifications
        self._serving = serving

    @endpoint("GET", "/_matrix/client/v3/notifications", access=Access.USER, rate=Rate.READ, body=Body.NONE)
    async def list(self, request: Request) -> Answer:
        caller = request.user
        limit = request.integer("limit", DEFAULT_LIMIT, least=1, most=MAX_LIMIT)
        before = request.integer("from", 0) or None
        page = await self._notifications.page(caller.user_id, before, limit, highlights=request.text("only") == "highlight")
        viewer = Viewer(caller.user_id, caller.device_id)
        events = await self._serving.serve([one.seen for one in page.notifications], viewer, room_id=False)
        listed = []
        for one, event in zip(page.notifications, events, strict=True):
            stored = one.seen.event
            facts = {"actions": one.actions, "read": one.read, "room_id": stored.room_id, "ts": stored.ts}
            listed.append(b'%b,"event":%b}' % (orjson.dumps(facts)[:-1], event))
        token = b"" if page.until is None else b',"next_token":"%d"' % page.until
        return b'{"notifications":[%b]%b}' % (b",".join(listed), token)
