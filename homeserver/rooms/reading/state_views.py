"""A room's state as a user may read it: the present one, or for those who left the one when they left (client-server API, "GET …/state")."""

from collections.abc import Collection

from homeserver.errors import Forbidden, NotFound
from homeserver.protocol.event import StateKey
from homeserver.rooms.member_store import MemberStore
from homeserver.rooms.members.departed import departure_of
from homeserver.rooms.partial.partial_rooms import PartialRooms
from homeserver.rooms.reading.history import History
from homeserver.rooms.reading.paging_store import PagingStore
from homeserver.rooms.reading.place import Place
from homeserver.rooms.reading.timeline_store import TimelineStore
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import MemberRecord, StoredEvent

MEMBER = "m.room.member"


class StateViews:
    """Reads of states; all raise M_FORBIDDEN for who may not read in the room. Where members are asked for, they wait until the room knows them."""

    def __init__(
        self,
        *,
        store: PagingStore,
        timelines: TimelineStore,
        members: MemberStore,
        history: History,
        states: StateReader,
        partial: PartialRooms,
    ) -> None:
        self._store = store
        self._timelines = timelines
        self._members = members
        self._history = history
        self._states = states
        self._partial = partial

    async def all(self, user_id: str, room_id: str) -> list[StoredEvent]:
        member = await self._history.may_read(user_id, room_id)
        await self._partial.whole(room_id)
        return await self._states.all(await self._root(room_id, member))

    async def one(self, user_id: str, room_id: str, address: StateKey) -> StoredEvent:
        """M_NOT_FOUND when nothing is there."""
        member = await self._history.may_read(user_id, room_id)
        if _has_left(member):
            found = await self._states.at(await self._root(room_id, member), [address])
        else:
            found = await self._timelines.current_state(room_id, [address])
            if not found and address[0] == MEMBER and self._partial.is_partial(room_id):
                await self._partial.whole(room_id)
                found = await self._timelines.current_state(room_id, [address])
        event = found.get(address)
        if event is None:
            raise NotFound("The room has no such state")
        return event

    async def members(self, user_id: str, room_id: str, kinds: Collection[str] = (), at: Place | None = None) -> list[StoredEvent]:
        """The membership events, all or of those kinds, now or at a place of the history (see `before_room` for the one before it)."""
        member = await self._history.may_read(user_id, room_id)
        await self._partial.whole(room_id)
        if _has_left(member):
            root: bytes | None = await self._root(room_id, member)
        elif at is not None:
            root = await self._store.root_at(room_id, at) or await self._store.root_at(room_id, Place(at.position))
            if root is None:
                return []
        else:
            return await self._store.member_events(room_id, kinds)
        current = await self._root(room_id, None)
        come, gone = await self._states.changes(current, root or current)
        if not come and not gone:
            return await self._store.member_events(room_id, kinds)
        dropped = set(gone)
        events = [event for event in await self._store.member_events(room_id) if event.num not in dropped]
        events.extend(event for event in (await self._states.events(come)).values() if event.type == MEMBER)
        events = [event for event in events if not kinds or event.content.get("membership") in kinds]
        return sorted(events, key=lambda event: event.num)

    async def joined(self, user_id: str, room_id: str, appservice: str | None) -> list[MemberRecord]:
        """Those who are joined; for members, and for an application service with a user among them."""
        if not await self._members.is_joined(room_id, user_id) and not (
            appservice is not None and await self._store.has_member_of(room_id, appservice)
        ):
            raise Forbidden("You are not in this room")
        await self._partial.whole(room_id)
        return await self._members.joined_members(room_id)

    async def _root(self, room_id: str, member: MemberRecord | None) -> bytes:
        if member is not None and _has_left(member):
            root = (await departure_of(self._states, member)).root_after
        else:
            root = await self._store.current_root(room_id)
        if root is None:
            raise NotFound("This server does not know the room's state")
        return root


def _has_left(member: MemberRecord | None) -> bool:
    return member is not None and member.membership in ("leave", "ban")
