"""Reports of events, rooms and users (client-server API, "Reporting Content")."""

from homeserver.protocol.ids import EventId, RoomId, UserId
from homeserver.reports.reports import Reports
from homeserver.web.endpoint import Access, Answer, Rate, Schema, endpoint
from homeserver.web.request import Request

_ROOM = "/_matrix/client/v3/rooms/{room_id}/report"
_ROOM_BEFORE = "/_matrix/client/unstable/org.matrix.msc4151/rooms/{room_id}/report"  # as clients call it that go by `unstable_features`
_USER = "/_matrix/client/v3/users/{user_id}/report"


class ReportingEndpoints:
    def __init__(self, reports: Reports) -> None:
        self._reports = reports

    @endpoint("POST", _ROOM + "/{event_id}", access=Access.USER, rate=Rate.REPORT, body=Schema("client/report_event"))
    async def report_event(self, request: Request, room_id: RoomId, event_id: EventId) -> Answer:
        reason = request.body.get("reason") or ""
        await self._reports.report_event(request.user.user_id, room_id, event_id, reason, request.body.get("score"))
        return {}

    @endpoint("POST", _ROOM_BEFORE, access=Access.USER, rate=Rate.REPORT, body=Schema("client/report"))
    @endpoint("POST", _ROOM, access=Access.USER, rate=Rate.REPORT, body=Schema("client/report"))
    async def report_room(self, request: Request, room_id: RoomId) -> Answer:
        await self._reports.report_room(request.user.user_id, room_id, request.body["reason"])
        return {}

    @endpoint("POST", _USER, access=Access.USER, rate=Rate.REPORT, body=Schema("client/report"))
    async def report_user(self, request: Request, user_id: UserId) -> Answer:
        await self._reports.report_user(request.user.user_id, user_id, request.body["reason"])
        return {}
