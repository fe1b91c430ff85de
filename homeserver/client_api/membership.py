"""Coming into rooms and going. Client-server API, "Room membership"."""

from collections.abc import Mapping
from typing import Any

from homeserver.client_api.rooms_named import active, named_room
from homeserver.errors import GuestAccessForbidden, MissingParam, ServerNotTrusted
from homeserver.protocol.ids import RoomId, UserId
from homeserver.rooms.directory.aliases import Aliases
from homeserver.rooms.directory.summaries import Summaries
from homeserver.rooms.member_store import MemberStore
from homeserver.rooms.members.third_party_invites import ThirdPartyInvites
from homeserver.rooms.membership import Membership
from homeserver.web.endpoint import Access, Answer, Body, Rate, Schema, endpoint
from homeserver.web.request import Request

_BY_THIRD_PARTY = ("id_server", "id_access_token", "medium", "address")
_NOT_KEPT = ("third_party_signed", "join_authorised_via_users_server")  # of the body of a join; all else goes into the member event
_REASON = Schema("client/reason", optional=True)


class RoomMembership:
    def __init__(
        self,
        *,
        membership: Membership,
        members: MemberStore,
        aliases: Aliases,
        summaries: Summaries,
        third_party: ThirdPartyInvites,
        notices_sender: str,
    ) -> None:
        self._membership = membership
        self._members = members
        self._aliases = aliases
        self._summaries = summaries
        self._third_party = third_party
        self._notices_sender = notices_sender

    @endpoint("GET", "/_matrix/client/v3/joined_rooms", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def joined_rooms(self, request: Request) -> Answer:
        return {"joined_rooms": await self._members.joined_rooms(request.user.user_id)}

    @endpoint(
        "POST",
        "/_matrix/client/v3/rooms/{room_id}/join",
        access=Access.GUEST,
        rate=Rate.JOIN,
        body=Schema("client/join", optional=True),
    )
    async def join(self, request: Request, room_id: RoomId) -> Answer:
        return await self._join(request, room_id)

    @endpoint(
        "POST",
        "/_matrix/client/v3/join/{room_id_or_alias}",
        access=Access.GUEST,
        rate=Rate.JOIN,
        body=Schema("client/join", optional=True),
    )
    async def join_named(self, request: Request, room_id_or_alias: str) -> Answer:
        return await self._join(request, room_id_or_alias)

    async def _join(self, request: Request, name: str) -> Answer:
        caller = request.user
        room_id, servers = await named_room(request, name, self._aliases)
        if not (caller.suspended and await self._is_notice(room_id, caller.user_id)):
            active(request)
        if caller.is_guest:
            summary = await self._summaries.get(room_id)
            if summary is None or not summary.guest_can_join:
                raise GuestAccessForbidden("Guests may not join this room")
        signed = request.body.get("third_party_signed")
        if signed is not None:
            await self._third_party.accept(room_id, caller.user_id, signed)
        content = {key: value for key, value in request.body.items() if key not in _NOT_KEPT and value is not None}
        return {"room_id": await self._membership.join(room_id, caller.user_id, content, servers)}

    async def _is_notice(self, room_id: str, user_id: str) -> bool:
        """Whether the user is invited by the server itself: who is suspended may be told why."""
        member = await self._members.member(room_id, user_id)
        return member is not None and member.membership == "invite" and member.sender == self._notices_sender

    @endpoint("POST", "/_matrix/client/v3/knock/{room_id_or_alias}", access=Access.USER, rate=Rate.JOIN, body=_REASON)
    async def knock(self, request: Request, room_id_or_alias: str) -> Answer:
        caller = active(request)
        room_id, servers = await named_room(request, room_id_or_alias, self._aliases)
        return {"room_id": await self._membership.knock(room_id, caller.user_id, request.body.get("reason"), servers)}

    @endpoint("POST", "/_matrix/client/v3/rooms/{room_id}/invite", access=Access.USER, rate=Rate.INVITE, body=Schema("client/invite"))
    async def invite(self, request: Request, room_id: RoomId) -> Answer:
        caller, body = active(request), request.body
        if "user_id" not in body:
            refuse_third_party(body)
        extra: dict[str, Any] = _reason(body)
        if body.get("is_direct") is True:
            extra["is_direct"] = True
        await self._membership.invite(room_id, caller.user_id, UserId.parse(body["user_id"]), extra)
        return {}

    @endpoint("POST", "/_matrix/client/v3/rooms/{room_id}/leave", access=Access.GUEST, rate=Rate.WRITE, body=_REASON)
    async def leave(self, request: Request, room_id: RoomId) -> Answer:
        await self._membership.leave(room_id, request.user.user_id, request.body.get("reason"))
        return {}

    @endpoint("POST", "/_matrix/client/v3/rooms/{room_id}/forget", access=Access.USER, rate=Rate.WRITE, body=Body.OPTIONAL_OBJECT)
    async def forget(self, request: Request, room_id: RoomId) -> Answer:
        await self._membership.forget(room_id, request.user.user_id)
        return {}

    @endpoint("POST", "/_matrix/client/v3/rooms/{room_id}/kick", access=Access.USER, rate=Rate.WRITE, body=Schema("client/target"))
    async def kick(self, request: Request, room_id: RoomId) -> Answer:
        await self._membership.kick(room_id, active(request).user_id, _target(request), request.body.get("reason"))
        return {}

    @endpoint("POST", "/_matrix/client/v3/rooms/{room_id}/ban", access=Access.USER, rate=Rate.WRITE, body=Schema("client/target"))
    async def ban(self, request: Request, room_id: RoomId) -> Answer:
        await self._membership.ban(room_id, active(request).user_id, _target(request), request.body.get("reason"))
        return {}

    @endpoint("POST", "/_matrix/client/v3/rooms/{room_id}/unban", access=Access.USER, rate=Rate.WRITE, body=Schema("client/target"))
    async def unban(self, request: Request, room_id: RoomId) -> Answer:
        await self._membership.unban(room_id, active(request).user_id, _target(request), request.body.get("reason"))
        return {}


def _target(request: Request) -> UserId:
    return UserId.parse(request.body["user_id"])


def _reason(body: Mapping[str, Any]) -> dict[str, Any]:
    reason = body.get("reason")
    return {} if reason is None else {"reason": reason}


def refuse_third_party(body: Mapping[str, Any]) -> None:
    """An invite without a user ID: by a third-party identifier, which takes an identity server, or incomplete."""
    given = [key for key in _BY_THIRD_PARTY if key in body]
    if not given:
        raise MissingParam("user_id is missing")
    missing = [key for key in _BY_THIRD_PARTY if key not in body]
    if missing:
        raise MissingParam(f"Missing: {', '.join(missing)}")
    raise ServerNotTrusted("This server uses no identity server, so it can invite by user ID alone")
