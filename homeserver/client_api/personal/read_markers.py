"""The fully-read marker, with or without receipts (client-server API, "Read and unread markers")."""

from homeserver.ephemeral.presence import Presence
from homeserver.ephemeral.receipts import FULLY_READ, Receipts
from homeserver.ephemeral.store import READ, READ_PRIVATE
from homeserver.protocol.ids import EventId, RoomId
from homeserver.web.endpoint import Access, Answer, Rate, Schema, endpoint
from homeserver.web.request import Request

_READ_MARKERS = "/_matrix/client/v3/rooms/{room_id}/read_markers"
_TYPES = (FULLY_READ, READ, READ_PRIVATE)


class ReadMarkerEndpoints:
    def __init__(self, receipts: Receipts, presence: Presence) -> None:
        self._receipts = receipts
        self._presence = presence

    @endpoint("POST", _READ_MARKERS, access=Access.USER, rate=Rate.WRITE, body=Schema("client/read_markers"))
    async def set(self, request: Request, room_id: RoomId) -> Answer:
        markers = [(type, EventId.parse(request.body[type])) for type in _TYPES if type in request.body]
        await self._receipts.mark(request.user.user_id, room_id, markers)
        self._presence.active(request.user.user_id)
        return {}
