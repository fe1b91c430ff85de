"""Invites to addresses: server-server API, "Third-party invites"."""

from collections.abc import Mapping
from typing import Any, Final

from twisted.logger import Logger

from homeserver.errors import BadJson, InvalidParam, MatrixError, MissingParam
from homeserver.profiles.profiles import Profiles
from homeserver.protocol.errors import ProtocolError
from homeserver.protocol.ids import RoomId, UserId
from homeserver.rooms.members.third_party_invites import ThirdPartyInvites
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request

_V1 = "/_matrix/federation/v1"
MOST_INVITES: Final = 20  # that one address is told to have


class ThirdPartyEndpoints:
    _log = Logger()

    def __init__(self, server_name: str, invites: ThirdPartyInvites, profiles: Profiles) -> None:
        self._server_name = server_name
        self._invites = invites
        self._profiles = profiles

    @endpoint("PUT", _V1 + "/exchange_third_party_invite/{room_id}", access=Access.PEER, rate=Rate.NONE, body=Body.OBJECT)
    async def exchange(self, request: Request, room_id: RoomId) -> Answer:
        """A user of theirs was invited by an address, by a user of ours."""
        event = request.body
        content = event.get("content")
        invite = content.get("third_party_invite") if isinstance(content, dict) else None
        if not isinstance(content, dict) or not isinstance(invite, dict):
            raise BadJson("The event holds no third_party_invite")
        user_id, signed = UserId.parse(event.get("state_key")), signed_of(invite.get("signed"))
        if (event.get("type"), event.get("room_id"), content.get("membership")) != ("m.room.member", room_id, "invite"):
            raise InvalidParam("The event is no invite to this room")
        if signed["mxid"] != user_id:
            raise InvalidParam("The proof is for another user")
        await self._invites.invite(room_id, user_id, signed)
        return {}

    @endpoint("PUT", _V1 + "/3pid/onbind", access=Access.NONE, rate=Rate.INVITE, body=Body.OBJECT)
    async def on_bind(self, request: Request) -> Answer:
        """An identity server says that an address belongs to a user of ours now, and what invites it has; each proves itself, or comes to nothing."""
        body = request.body
        invites = body.get("invites")
        for name in ("medium", "address", "mxid", "invites"):
            if name not in body:
                raise MissingParam(f"Missing: {name}")
        user_id = UserId.parse(body["mxid"])
        if not isinstance(invites, list):
            raise BadJson("invites must be a list")
        if user_id.server_name != self._server_name:
            raise InvalidParam("The user is of another server")
        await self._profiles.local_profile(user_id)
        for invite in invites[:MOST_INVITES]:
            try:
                await self._accept(user_id, invite)
            except (MatrixError, ProtocolError) as error:
                self._log.info("an invite to an address of {user} came to nothing: {error}", user=user_id, error=str(error))
        return {}

    async def _accept(self, user_id: str, invite: Any) -> None:
        if not isinstance(invite, dict):
            raise BadJson("This is no invite")
        room_id, sender, signed = RoomId.parse(invite.get("room_id")), UserId.parse(invite.get("sender")), signed_of(invite.get("signed"))
        if signed["mxid"] != user_id:
            raise InvalidParam("The proof is for another user")
        await self._invites.accept(room_id, user_id, signed, issuer=sender)


def signed_of(value: Any) -> Mapping[str, Any]:
    """Raises BadJson for what is no proof."""
    if not isinstance(value, dict) or not isinstance(value.get("mxid"), str) or not isinstance(value.get("token"), str):
        raise BadJson("signed must hold mxid and token")
    if not isinstance(value.get("signatures"), dict):
        raise BadJson("signed has no signatures")
    return value
