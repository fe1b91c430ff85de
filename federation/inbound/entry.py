"""What all handshakes of other servers have in common: in whose name they come, and the event that they bring (server-server API, "Joining rooms" ff.)."""

from typing import Any, Final

from federation.asking.sound_events import SoundEvents
from homeserver.errors import BadJson, Forbidden, InvalidParam
from homeserver.protocol.errors import BadSignature, InvalidEvent, InvalidIdentifier
from homeserver.protocol.event import Event
from homeserver.protocol.event_format import Received, receive
from homeserver.protocol.ids import UserId
from homeserver.protocol.room_versions import RoomVersion
from homeserver.rooms.handshakes.resident import Resident
from homeserver.rooms.store import StoredEvent

MEMBER: Final = "m.room.member"


def check_name(peer: str, user_id: UserId) -> None:
    """Raises Forbidden where a server speaks for another's user."""
    if user_id.server_name != peer:
        raise Forbidden("The user is of another server")


def read_member(pdu: Any, event_id: str, room_id: str, version: RoomVersion, membership: str) -> Received:
    """A membership event of that kind, in that room, of that ID, with its content unchanged. Raises InvalidParam; its signatures are not looked at."""
    try:
        received = receive(pdu, version, room_id=room_id)
    except InvalidEvent as error:
        raise InvalidParam(str(error)) from error
    event = received.event
    if event.event_id != event_id:
        raise InvalidParam("The event has another ID than the path says")
    if event.type != MEMBER or event.state_key is None or event.content.get("membership") != membership:
        raise InvalidParam(f"The event is no membership event that says {membership}")
    if not received.hash_matches:
        raise InvalidParam("The content of the event is not what was hashed")
    return received


class Entry:
    """Takes in the event that ends a handshake."""

    def __init__(self, resident: Resident, sound: SoundEvents) -> None:
        self._resident = resident
        self._sound = sound

    async def take_in(self, peer: str, pdu: Any, event_id: str, room_id: str, membership: str) -> tuple[Event, StoredEvent]:
        """The event as it was taken, and as it stands in the room. Raises MatrixError, ProtocolError."""
        room = await self._resident.room(room_id)
        if not isinstance(pdu, dict):
            raise BadJson
        received = read_member(pdu, event_id, room_id, room.version, membership)
        event = received.event
        if event.sender != event.state_key:
            raise InvalidParam("Nobody does this for somebody else")
        try:
            check_name(peer, UserId.parse(event.sender))
        except InvalidIdentifier as error:
            raise InvalidParam(str(error)) from error
        if membership == "join":
            event = await self._resident.vouched(event)
        try:
            await self._sound.check_signatures(received._replace(event=event))
        except BadSignature as error:
            raise Forbidden(f"The event is not signed as it should be: {error}") from error
        return event, await self._resident.take_in(peer, event)
