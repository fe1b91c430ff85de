"""Sending messages and redactions (client-server API, "Sending events to a room", "Redactions")."""

from typing import Any

from homeserver.client_api.rooms_named import active
from homeserver.errors import MissingParam, UserSuspended
from homeserver.protocol.event import Draft
from homeserver.protocol.ids import EventId, RoomId
from homeserver.rooms.reading.single import SingleEvents
from homeserver.rooms.sending.messages import MessageSending
from homeserver.web.endpoint import Access, Answer, Body, Caller, Rate, endpoint
from homeserver.web.request import Request

REDACTION = "m.room.redaction"


class Sending:
    def __init__(self, sending: MessageSending, single: SingleEvents) -> None:
        self._sending = sending
        self._single = single

    @endpoint(
        "PUT",
        "/_matrix/client/v3/rooms/{room_id}/send/{event_type}/{txn_id}",
        access=Access.GUEST,
        rate=Rate.MESSAGE,
        body=Body.OBJECT,
    )
    async def send(self, request: Request, room_id: RoomId, event_type: str, txn_id: str) -> Answer:
        if event_type == REDACTION:
            target = request.body.get("redacts")
            if target is None:
                raise MissingParam("A redaction needs the event that it redacts")
            return await self._redact(request, room_id, EventId.parse(target), event_type, txn_id)
        caller = active(request)
        draft = Draft(event_type, caller.user_id, request.body, origin_server_ts=sent_at(request, caller))
        return sent(await self._sending.send(room_id, draft, device_of(caller), event_type, txn_id))

    @endpoint(
        "PUT",
        "/_matrix/client/v3/rooms/{room_id}/redact/{event_id}/{txn_id}",
        access=Access.GUEST,
        rate=Rate.MESSAGE,
        body=Body.OPTIONAL_OBJECT,
    )
    async def redact(self, request: Request, room_id: RoomId, event_id: EventId, txn_id: str) -> Answer:
        return await self._redact(request, room_id, event_id, f"redact/{event_id}", txn_id)

    async def _redact(self, request: Request, room_id: RoomId, event_id: EventId, what: str, txn_id: str) -> Answer:
        caller = request.user
        if caller.suspended:
            target = await self._single.get(caller.user_id, event_id, room_id)
            if target.event.sender != caller.user_id:
                raise UserSuspended("You cannot perform this action while suspended")
        content: dict[str, Any] = {key: value for key, value in request.body.items() if key != "redacts"}
        draft = Draft(REDACTION, caller.user_id, content, redacts=event_id, origin_server_ts=sent_at(request, caller))
        return sent(await self._sending.send(room_id, draft, device_of(caller), what, txn_id))


def device_of(caller: Caller) -> str:
    """Whose transaction IDs count: an application service need not speak for a device."""
    return caller.device_id or f"appservice/{caller.appservice or ''}"


def sent_at(request: Request, caller: Caller) -> int | None:
    """The time an application service gives its event ("Timestamp massaging"); everyone else's is now."""
    if caller.appservice is None or not request.query_text or request.text("ts") is None:
        return None
    return request.integer("ts", 0)


def sent(event_id: str) -> bytes:
    return b'{"event_id":"%b"}' % event_id.encode()
