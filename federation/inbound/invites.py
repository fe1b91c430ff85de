"""Other servers invite users of this one: server-server API, "Inviting to a room"."""

from collections.abc import Sequence
from typing import Any, Final

from federation.asking.sound_events import SoundEvents
from federation.inbound.entry import read_member
from homeserver.errors import BadJson, Forbidden, IncompatibleRoomVersion, InvalidParam
from homeserver.protocol.errors import InvalidIdentifier, ProtocolError, UnknownRoomVersion
from homeserver.protocol.event_format import parse
from homeserver.protocol.ids import EventId, RoomId, UserId
from homeserver.protocol.room_versions import RoomVersion, room_version
from homeserver.protocol.signing import sign_event
from homeserver.rooms.append import Identity
from homeserver.rooms.handshakes.outside import OutsideMemberships
from homeserver.rooms.handshakes.shown import MOST_EVENTS, create_of, stripped
from homeserver.rooms.membership import InvitePermissions
from homeserver.rooms.store import RoomStore
from homeserver.web.endpoint import Access, Answer, Body, Rate, Reply, endpoint
from homeserver.web.request import Request

_PATH = "/invite/{room_id}/{event_id}"
OLD_VERSION: Final = "1"


class InviteEndpoints:
    def __init__(
        self,
        *,
        identity: Identity,
        store: RoomStore,
        outside: OutsideMemberships,
        permissions: InvitePermissions,
        sound: SoundEvents,
    ) -> None:
        self._identity = identity
        self._store = store
        self._outside = outside
        self._permissions = permissions
        self._sound = sound

    @endpoint("PUT", "/_matrix/federation/v2" + _PATH, access=Access.PEER, rate=Rate.NONE, body=Body.OBJECT)
    async def invite(self, request: Request, room_id: RoomId, event_id: EventId) -> Answer:
        body = request.body
        return await self._invite(
            request.peer or "", room_id, event_id, body.get("event"), body.get("room_version"), body.get("invite_room_state", [])
        )

    @endpoint("PUT", "/_matrix/federation/v1" + _PATH, access=Access.PEER, rate=Rate.NONE, body=Body.OBJECT)
    async def invite_as_of_old(self, request: Request, room_id: RoomId, event_id: EventId) -> Answer:
        unsigned = request.body.get("unsigned")
        shown = unsigned.get("invite_room_state", []) if isinstance(unsigned, dict) else []
        return Reply([200, await self._invite(request.peer or "", room_id, event_id, request.body, OLD_VERSION, shown)])

    async def _invite(self, peer: str, room_id: str, event_id: str, pdu: Any, version_name: Any, shown: Any) -> dict[str, Any]:
        if not isinstance(pdu, dict) or not isinstance(shown, list):
            raise BadJson
        version = await self._version(room_id, version_name)
        received = read_member(pdu, event_id, room_id, version, "invite")
        event = received.event
        try:
            target = UserId.parse(event.state_key)
        except InvalidIdentifier as error:
            raise InvalidParam(str(error)) from error
        if target.server_name != self._identity.server_name or UserId.parse(event.sender).server_name != peer:
            raise InvalidParam("The invite is not by a user of your server for one of this")
        try:
            await self._sound.check_signatures(received)
        except ProtocolError as error:
            raise InvalidParam(f"The invite is not signed as it should be: {error}") from error
        await self._check_shown(shown, version, room_id)
        await self._permissions.check(target, event.sender)
        signed = sign_event(event, self._identity.server_name, self._identity.key)
        await self._outside.note(signed, stripped(shown, signed))
        return {"event": signed.pdu}

    async def _version(self, room_id: str, name: Any) -> RoomVersion:
        room = await self._store.room(room_id)
        if room is not None and room.blocked:
            raise Forbidden("This room has been blocked on this server")
        try:
            version = room_version(name)
        except UnknownRoomVersion as error:
            raise IncompatibleRoomVersion(room_version=str(name)) from error
        if room is not None and room.version is not version:
            raise InvalidParam("The room is of another version")
        return version

    async def _check_shown(self, shown: Sequence[Any], version: RoomVersion, room_id: str) -> None:
        """Where the room's ID is that of its beginning, that has to be told and right; elsewhere older servers tell less."""
        if not version.room_id_is_create_hash:
            return
        create = create_of([event for event in shown[:MOST_EVENTS] if isinstance(event, dict)])
        if create is None:
            raise InvalidParam("The beginning of the room is missing in invite_room_state")
        try:
            parse(create, version, room_id=room_id)
        except ProtocolError as error:
            raise InvalidParam(f"invite_room_state has another beginning than that of the room: {error}") from error
