"""The members of a room (client-server API, "GET /rooms/{roomId}/members", "GET /rooms/{roomId}/joined_members")."""

import orjson

from homeserver.protocol.ids import RoomId
from homeserver.rooms.reading.place import Place
from homeserver.rooms.reading.serve import EventServing, Viewer
from homeserver.rooms.reading.state_views import StateViews
from homeserver.rooms.store import MemberRecord
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request

NO_AVATAR = "mxc://"  # which clients find no server in, and so no picture
MEMBERSHIPS = ("join", "invite", "knock", "leave", "ban")


class RoomMembers:
    def __init__(self, views: StateViews, serving: EventServing) -> None:
        self._views = views
        self._serving = serving

    @endpoint("GET", "/_matrix/client/v3/rooms/{room_id}/members", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def members(self, request: Request, room_id: RoomId) -> Answer:
        at = request.text("at")
        place = Place.parse(at) if at else None
        events = await self._views.members(request.user.user_id, room_id, _kinds(request), place)
        chunk = await self._serving.bare(events, Viewer(request.user.user_id, None))
        return b'{"chunk":[%b]}' % b",".join(chunk)

    @endpoint("GET", "/_matrix/client/v3/rooms/{room_id}/joined_members", access=Access.USER, rate=Rate.READ, body=Body.NONE)
    async def joined(self, request: Request, room_id: RoomId) -> Answer:
        caller = request.user
        members = await self._views.joined(caller.user_id, room_id, caller.appservice)
        return b'{"joined":%b}' % orjson.dumps({member.user_id: _profile(member) for member in members})


def _profile(member: MemberRecord) -> dict[str, str]:
    """Both keys always, as the conformance suite wants them, and always of the definitions' form: text, and a URI that may name no file."""
    return {"display_name": member.displayname or "", "avatar_url": member.avatar_url or NO_AVATAR}


def _kinds(request: Request) -> tuple[str, ...]:
    """The memberships asked for; empty: all. With both parameters, what satisfies either."""
    wanted = request.choice("membership", MEMBERSHIPS, "") or None
    unwanted = request.choice("not_membership", MEMBERSHIPS, "") or None
    if wanted is None and unwanted is None:
        return ()
    return tuple(kind for kind in MEMBERSHIPS if kind == wanted or (unwanted is not None and kind != unwanted))
