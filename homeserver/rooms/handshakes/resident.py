"""For users of other servers who come into a room of this one, or go: the event they are to make, and the one they made.

Server-server API, "Joining rooms", "Leaving rooms", "Knocking rooms". Who asks, and in whose name, was checked by whoever calls.
"""

from collections.abc import Collection
from typing import Any

from homeserver.errors import Forbidden, IncompatibleRoomVersion, NotFound
from homeserver.protocol.event import Draft, Event
from homeserver.protocol.signing import sign_event
from homeserver.rooms.append import Appender
from homeserver.rooms.handshakes.vouching import VOUCHER, Vouching
from homeserver.rooms.head import RoomHeads
from homeserver.rooms.partial.partial_rooms import PartialRooms
from homeserver.rooms.receiving.outcome import Accepted, AlreadyKnown, Rejected, SoftFailed, Unplaced
from homeserver.rooms.receiving.receive import Receiving
from homeserver.rooms.room_lock import RoomLocks
from homeserver.rooms.store import RELAYED, RoomRecord, RoomStore, StoredEvent

MEMBER = "m.room.member"
_NOT_TOLD = ("event_id", "hashes", "signatures")  # those are for the other server to make


class Resident:
    def __init__(
        self,
        *,
        store: RoomStore,
        heads: RoomHeads,
        locks: RoomLocks,
        appender: Appender,
        vouching: Vouching,
        receiving: Receiving,
        partial: PartialRooms,
    ) -> None:
        self._store = store
        self._partial = partial
        self._heads = heads
        self._locks = locks
        self._appender = appender
        self._vouching = vouching
        self._receiving = receiving

    async def room(self, room_id: str) -> RoomRecord:
        """Raises NotFound where this server is not in the room, or does not know its members yet; Forbidden where an administrator closed it."""
        room = await self._store.room(room_id)
        if room is None or room.local_joined_count == 0:
            raise NotFound("This server is not in the room")
        if self._partial.is_partial(room_id):
            raise NotFound("This server does not know the whole state of the room yet")
        if room.blocked:
            raise Forbidden("This room has been blocked on this server")
        return room

    async def template(self, room_id: str, user_id: str, membership: str, versions: Collection[str] | None = None) -> dict[str, Any]:
        """What the user's server is to complete and sign. `versions`: those that it knows. Raises NotAuthorised."""
        room = await self.room(room_id)
        if versions is not None and room.version.identifier not in versions:
            raise IncompatibleRoomVersion(room_version=room.version.identifier)
        content: dict[str, Any] = {"membership": membership}
        async with self._locks.hold(room_id) as lock:
            head = await self._heads.get(room_id)
            if membership == "join":
                voucher = await self._vouching.voucher(head, user_id, is_ours=False)
                if voucher is not None:
                    content[VOUCHER] = voucher
            event = await self._appender.propose(lock, head, Draft(MEMBER, user_id, content, user_id))
        told = {key: value for key, value in event.pdu.items() if key not in _NOT_TOLD}
        return {"room_version": room.version.identifier, "event": {**told, "origin": self._appender.identity.server_name}}

    async def vouched(self, event: Event) -> Event:
        """The join with this server's signature, where it names a user of this server who stands for it. Raises what `Vouching.voucher` does."""
        voucher = event.content.get(VOUCHER)
        identity = self._appender.identity
        if not event.version.restricted_joins or not isinstance(voucher, str) or not identity.is_local(voucher):
            return event
        async with self._locks.hold(event.room_id):
            head = await self._heads.get(event.room_id)
            await self._vouching.voucher(head, event.sender, is_ours=False)
        return sign_event(event, identity.server_name, identity.key)

    async def take_in(self, origin: str, event: Event) -> StoredEvent:
        """The event as it stands in the room; the other servers of the room hear of it from here. Raises Forbidden."""
        outcome = (await self._receiving.receive([origin], event.room_id, [event], mark=RELAYED)).get(event.event_id)
        if isinstance(outcome, Rejected | SoftFailed | Unplaced):
            raise Forbidden(outcome.reason)
        stored = (await self._store.events([event.event_id])).get(event.event_id)
        if not isinstance(outcome, Accepted | AlreadyKnown) or stored is None or not stored.is_shown:
            raise Forbidden("This event is not part of the room")
        return stored
