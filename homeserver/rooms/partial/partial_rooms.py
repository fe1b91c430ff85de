"""Which rooms are known in part, kept in memory and told by the stream; and the wait until one is whole. Almost always there is none."""

from collections.abc import Sequence
from typing import Final

from twisted.internet.defer import Deferred

from homeserver.clock import Clock
from homeserver.errors import Unavailable
from homeserver.rooms.partial.store import PARTIAL_ROOM, WHOLE_ROOM, PartialStore
from homeserver.streams import Change, Streams

WAIT_S: Final = 60.0  # for a whole room, until a client is told to come again


class PartialRooms:
    def __init__(self, store: PartialStore, streams: Streams, clock: Clock) -> None:
        self.store = store
        self._clock = clock
        self._servers: dict[str, Sequence[str]] = {}
        self._whole_at: dict[str, int] = {}
        self._waiting: dict[str, list[Deferred[bool]]] = {}
        self._if_small: set[Deferred[bool]] = set()  # of these, those who do not wait for a large room
        streams.subscribe(self._follow)

    async def load(self) -> None:
        for record in await self.store.rooms():
            if record.whole_position:
                self._whole_at[record.room_id] = record.whole_position
            else:
                self._servers[record.room_id] = record.servers

    def __len__(self) -> int:
        return len(self._servers)

    def is_partial(self, room_id: str) -> bool:
        return room_id in self._servers

    def servers(self, room_id: str) -> Sequence[str]:
        """Those said to be in a room that is known in part; empty for any other room."""
        return self._servers.get(room_id, ())

    def names(self, room_id: str, server_name: str) -> bool:
        """Whether that server is said to be in the room, so that its users may be."""
        return server_name in self._servers.get(room_id, ())

    def rooms_of(self, server_name: str) -> list[str]:
        """The rooms it is said to be in."""
        return [room_id for room_id, servers in self._servers.items() if server_name in servers]

    def became_whole(self, room_id: str, since: int) -> bool:
        """Whether the room became whole after that position."""
        return self._whole_at.get(room_id, 0) > since

    @property
    def rooms(self) -> Sequence[str]:
        return list(self._servers)

    async def whole(self, room_id: str) -> None:
        """Returns once the room is whole; raises Unavailable when that takes too long."""
        if room_id in self._servers and not await self.within(room_id, WAIT_S):
            raise Unavailable("The members of this room are still being fetched", retry_after_ms=10_000)

    async def within(self, room_id: str, seconds: float, *, if_small: bool = False) -> bool:
        """Whether the room becomes whole, or is left, in that time; `if_small`: or until it is known to be large."""
        if room_id not in self._servers:
            return True
        waiters = self._waiting.setdefault(room_id, [])
        waiter: Deferred[bool] = Deferred(waiters.remove)
        waiters.append(waiter)
        if if_small:
            self._if_small.add(waiter)
        timer = self._clock.call_later(seconds, self._give_up, room_id, waiter)
        try:
            return await waiter
        finally:
            if timer.active():
                timer.cancel()
            self._if_small.discard(waiter)

    def is_large(self, room_id: str) -> None:
        """The room will not be whole in a moment."""
        for waiter in self._if_small.intersection(self._waiting.get(room_id, ())):
            self._give_up(room_id, waiter)

    def let_go(self, room_id: str) -> None:
        """Whoever waits for the room waits no more."""
        for waiter in self._waiting.pop(room_id, ()):
            if not waiter.called:
                waiter.callback(True)

    def _give_up(self, room_id: str, waiter: Deferred[bool]) -> None:
        if waiter in self._waiting.get(room_id, ()):
            self._waiting[room_id].remove(waiter)
            waiter.callback(False)

    def _follow(self, changes: list[Change]) -> None:
        for change in changes:
            if change.room_id is None:
                continue
            if change.kind == PARTIAL_ROOM:
                self._servers[change.room_id] = change.subject
                self._whole_at.pop(change.room_id, None)
            elif change.kind == WHOLE_ROOM:
                self._servers.pop(change.room_id, None)
                self._whole_at[change.room_id] = change.position
                self._clock.call_later(0, self.let_go, change.room_id)  # when every reader of the stream has seen it
