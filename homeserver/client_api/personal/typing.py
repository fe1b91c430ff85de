"""Typing notifications (client-server API, "Typing Notifications")."""

from homeserver.client_api.personal.own import require_own
from homeserver.client_api.rooms_named import active
from homeserver.ephemeral.ports import RoomMembers
from homeserver.ephemeral.presence import Presence
from homeserver.ephemeral.typing import DEFAULT_TIMEOUT_MS, Typing
from homeserver.errors import Forbidden
from homeserver.protocol.ids import RoomId, UserId
from homeserver.web.endpoint import Access, Answer, Rate, Schema, endpoint
from homeserver.web.request import Request


class TypingEndpoints:
    def __init__(self, typing: Typing, members: RoomMembers, presence: Presence) -> None:
        self._typing = typing
        self._members = members
        self._presence = presence

    @endpoint(
        "PUT", "/_matrix/client/v3/rooms/{room_id}/typing/{user_id}", access=Access.USER, rate=Rate.WRITE, body=Schema("client/typing")
    )
    async def set(self, request: Request, room_id: RoomId, user_id: UserId) -> Answer:
        own = require_own(request, user_id)
        active(request)
        if not await self._members.is_joined(room_id, own):
            raise Forbidden("You are not in this room")
        self._presence.active(own)
        if request.body["typing"]:
            self._typing.started(str(room_id), str(own), request.body.get("timeout", DEFAULT_TIMEOUT_MS))
        else:
            self._typing.stopped(str(room_id), str(own))
        return {}
