"""Read receipts (client-server API, "Receipts")."""

from homeserver.ephemeral.presence import Presence
from homeserver.ephemeral.receipts import Receipts, check_thread_id
from homeserver.protocol.ids import EventId, RoomId
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request

_RECEIPT = "/_matrix/client/v3/rooms/{room_id}/receipt/{receipt_type}/{event_id}"


class ReceiptEndpoints:
    def __init__(self, receipts: Receipts, presence: Presence) -> None:
        self._receipts = receipts
        self._presence = presence

    @endpoint("POST", _RECEIPT, access=Access.USER, rate=Rate.WRITE, body=Body.OPTIONAL_OBJECT)
    async def send(self, request: Request, room_id: RoomId, receipt_type: str, event_id: EventId) -> Answer:
        thread_id = check_thread_id(request.body, (receipt_type,))
        await self._receipts.mark(request.user.user_id, room_id, ((receipt_type, event_id),), thread_id)
        self._presence.active(request.user.user_id)
        return {}
