"""Server notices by HTTP, as administrators' tools send them: a message to one person."""

from homeserver.clock import Clock
from homeserver.rooms.store import Transaction
from homeserver.server_notices.notices import ServerNotices
from homeserver.web.endpoint import Access, Answer, Rate, Schema, endpoint
from homeserver.web.request import Request

_PATH = "/_synapse/admin/v1/send_server_notice"
_SCOPE = "server notice"


class NoticeAdministration:
    def __init__(self, notices: ServerNotices, clock: Clock) -> None:
        self._notices = notices
        self._clock = clock

    @endpoint("POST", _PATH, access=Access.ADMIN, rate=Rate.WRITE, body=Schema("client/server_notice"))
    async def send(self, request: Request) -> Answer:
        return await self._send(request, None)

    @endpoint("PUT", _PATH + "/{txn_id}", access=Access.ADMIN, rate=Rate.WRITE, body=Schema("client/server_notice"))
    async def send_once(self, request: Request, txn_id: str) -> Answer:
        caller = request.user
        return await self._send(request, Transaction(caller.user_id, caller.device_id or "", _SCOPE, txn_id, self._clock.now_ms()))

    async def _send(self, request: Request, transaction: Transaction | None) -> Answer:
        return {"event_id": await self._notices.deliver(request.body["user_id"], request.body["content"], transaction)}
