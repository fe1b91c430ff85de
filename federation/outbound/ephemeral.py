"""Who types and who is here, told to the servers of those who may see it (server-server API, "Typing Notifications", "Presence")."""

from collections.abc import Callable, Collection, Coroutine, Iterable
from typing import Any, Final, Protocol

import orjson
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from federation.outbound.destination import Mark
from federation.outbound.destinations import Destinations
from federation.outbound.servers import RoomServers, Servers
from homeserver.ephemeral.presence_user import OFFLINE
from homeserver.ephemeral.sequence import Ephemera, EphemeralChange
from homeserver.rooms.member_store import MemberStore

TYPING: Final = frozenset({"typing", "typing_still"})
PRESENCE: Final = "presence"
AS_OF_NOW: Final = 2**63  # a counter that is later than all


class PresenceSource(Protocol):
    enabled: bool

    async def of(self, user_id: str, for_user: str) -> dict[str, Any]: ...

    async def met_since(self, counter: int, for_user: str, user_ids: Iterable[str]) -> list[bytes]: ...


class EphemeralNews:
    """Begins with `start`; there is nothing to end."""

    _log = Logger()

    def __init__(
        self,
        presence: PresenceSource,
        members: MemberStore,
        rooms: RoomServers,
        destinations: Destinations,
        mark: Mark,
        is_local: Callable[[str], bool],
    ) -> None:
        self._presence = presence
        self._members = members
        self._rooms = rooms
        self._destinations = destinations
        self._mark = mark
        self._is_local = is_local

    def start(self, ephemera: Ephemera) -> None:
        ephemera.subscribe(self._hear)

    def meet(self, room_id: str, user_id: str) -> None:
        """The user came to the room: of ours, or the first of another server there. Who is here is told; who is offline is taken to be."""
        if self._presence.enabled:
            self._begin(self._be(user_id, room_id) if self._is_local(user_id) else self._show_others(room_id, user_id))

    async def _show_others(self, room_id: str, user_id: str) -> None:
        destination = self._destinations.get(user_id.partition(":")[2])
        if destination is None or destination.owed is not None or destination.is_down:
            return
        for event in await self._presence.met_since(AS_OF_NOW, user_id, await self._members.local_joined(room_id)):
            told = orjson.loads(event)
            destination.passing.be(told["sender"], {"last_active_ago": 0, **told["content"], "user_id": told["sender"]})
            destination.wake_soon()

    def _hear(self, change: EphemeralChange) -> None:
        if change.user_id is None or not self._is_local(change.user_id):
            return
        if change.kind in TYPING and change.room_id is not None:
            room = self._rooms.peek(change.room_id)
            if room is None:
                self._begin(self._look_up_and_type(change.room_id, change.user_id, bool(change.subject)))
            elif room.names:
                self._type(room, change.room_id, change.user_id, bool(change.subject))
        elif change.kind == PRESENCE:
            self._begin(self._be(change.user_id))

    async def _look_up_and_type(self, room_id: str, user_id: str, is_typing: bool) -> None:
        room = await self._rooms.get(room_id)
        if room.names:
            self._type(room, room_id, user_id, is_typing)

    def _type(self, room: Servers, room_id: str, user_id: str, is_typing: bool) -> None:
        for destination in self._destinations.live(room_id, room, self._mark.done + 1):
            if not destination.is_down:
                destination.passing.type(room_id, user_id, is_typing=is_typing)
                destination.wake_soon()

    async def _be(self, user_id: str, new_room: str | None = None) -> None:
        """Tell how the user is: everybody, or those who meet him in a room that he came to."""
        names = await self._servers(await self._members.joined_rooms(user_id) if new_room is None else [new_room])
        if not names:
            return
        content = {"last_active_ago": 0, **await self._presence.of(user_id, user_id), "user_id": user_id}
        if new_room is not None and content["presence"] == OFFLINE:
            return
        for name in names:
            destination = self._destinations.get(name)
            if destination is not None and destination.owed is None and not destination.is_down:
                destination.passing.be(user_id, content)
                destination.wake_soon()

    async def _servers(self, room_ids: Collection[str]) -> set[str]:
        names: set[str] = set()
        for room_id in room_ids:
            names |= (await self._rooms.get(room_id)).names
        return names

    def _begin(self, work: Coroutine[Deferred[Any], Any, None]) -> None:
        Deferred.fromCoroutine(work).addErrback(lambda failure: self._log.failure("other servers do not hear who is here", failure))
