"""Which rooms an application service is interested in, as its reader passes along the stream (application-service API, "Registration").

A room is of interest by its ID, by one of its aliases, or for a user of the service who is joined. What was looked up is kept, and each membership that the
reader passes is applied; so an event costs a look into a dict, and a reader that is behind judges by who was there then, not by who is there now.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Protocol

from appservices.appservice import Appservice
from appservices.store import LocalMember
from homeserver.figures import CacheFigures
from homeserver.protocol.event import StateKey
from homeserver.rooms.store import StoredEvent

MEMBER = "m.room.member"
MAX_CACHED = 50_000  # rooms and members of interest


class RoomLookup(Protocol):
    async def local_members(self, room_id: str) -> Sequence[LocalMember]: ...


class AliasLookup(Protocol):
    async def aliases_of(self, room_id: str) -> Sequence[str]: ...


class States(Protocol):
    async def at(self, root: bytes, addresses: Iterable[StateKey]) -> dict[StateKey, StoredEvent]: ...


class Room:
    __slots__ = ("always", "members")

    def __init__(self, always: bool, members: set[str]) -> None:
        self.always = always
        self.members = members  # of the service, who are joined

    @property
    def counts(self) -> bool:
        return self.always or bool(self.members)


class Interest:
    """Of one service."""

    def __init__(self, service: Appservice, rooms: RoomLookup, aliases: AliasLookup, states: States) -> None:
        self._service = service
        self._lookup = rooms
        self._aliases = aliases
        self._states = states
        self._rooms: OrderedDict[str, Room] = OrderedDict()
        self._weight = 0
        self._loads = 0

    @property
    def figures(self) -> CacheFigures:
        return CacheFigures(len(self._rooms), self._weight, MAX_CACHED, self._loads)

    def is_idle(self, event: StoredEvent) -> bool:
        """Whether memory is sure that the event neither concerns the service nor changes anything here."""
        if event.type == MEMBER:
            return False
        room = self._rooms.get(event.room_id)
        return room is not None and not room.counts

    def is_out(self, room_id: str) -> bool:
        """Whether memory is sure that the room is of no interest now."""
        room = self._rooms.get(room_id)
        return room is not None and not room.counts

    async def pass_event(self, event: StoredEvent) -> bool:
        """Whether the event concerns the service; the reader is beyond it then."""
        room = self._rooms.get(event.room_id)
        if room is None:
            room = await self._load(event)
        else:
            self._rooms.move_to_end(event.room_id)
        concerns = room.counts
        if event.type == MEMBER and event.state_key is not None and self._service.owns_user(event.state_key):
            self._apply(room, event.state_key, event.content.get("membership") == "join")
            return True
        return concerns

    async def is_in(self, room_id: str) -> bool:
        """Whether the room is of interest now: for what has no place in the timeline."""
        room = self._rooms.get(room_id)
        if room is not None:
            return room.counts
        members = await self._lookup.local_members(room_id)
        return await self._is_always(room_id) or any(one.membership == "join" and self._service.owns_user(one.user_id) for one in members)

    def forget(self, room_id: str) -> None:
        """The room is no longer as it was, in a way that no event tells."""
        room = self._rooms.pop(room_id, None)
        if room is not None:
            self._weight -= 1 + len(room.members)

    def forget_all(self) -> None:
        self._rooms.clear()
        self._weight = 0

    def _apply(self, room: Room, user_id: str, joins: bool) -> None:
        before = len(room.members)
        if joins:
            room.members.add(user_id)
        else:
            room.members.discard(user_id)
        self._weight += len(room.members) - before

    async def _load(self, event: StoredEvent) -> Room:
        """As it was before the event."""
        self._loads += 1
        room_id, position = event.room_id, event.position or 0
        own = [one for one in await self._lookup.local_members(room_id) if self._service.owns_user(one.user_id)]
        members = {one.user_id for one in own if one.position < position and one.membership == "join"}
        since = [one.user_id for one in own if one.position >= position]
        if since and event.current_before is not None:
            then = await self._states.at(event.current_before, [(MEMBER, user_id) for user_id in since])
            members.update(user_id for (_, user_id), found in then.items() if found.content.get("membership") == "join")
        room = Room(await self._is_always(room_id), members)
        self.forget(room_id)
        self._rooms[room_id] = room
        self._weight += 1 + len(members)
        while self._weight > MAX_CACHED and len(self._rooms) > 1:
            self.forget(next(iter(self._rooms)))
        return room

    async def _is_always(self, room_id: str) -> bool:
        if self._service.rooms.has(room_id):
            return True
        return bool(self._service.aliases) and any(map(self._service.aliases.has, await self._aliases.aliases_of(room_id)))
