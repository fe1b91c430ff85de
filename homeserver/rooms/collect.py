"""Collects state nodes that no state refers to any more, in the background, room by room.

Mark and sweep in small steps: a collection begins by raising the epoch, so whatever is written (again) from then on is younger than it and stays; then
every root of the room is walked, then old nodes of the room that were not met are removed. Who makes garbage (a purge of history, a resolution of state
that was overtaken) notes the room with `store.note`.
"""

from collections.abc import Collection
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from homeserver.clock import Clock
from homeserver.errors import MatrixError
from homeserver.rooms.state_map import EMPTY, child_ids

PAUSE_S = 0.05  # between two steps: everybody else goes first
IDLE_S = 600.0
STEP = 500  # rows


class CollectionStore(Protocol):
    async def note(self, room_id: str) -> None:
        """The room may hold garbage."""

    async def next_room(self) -> int | None:
        """The number of a noted room."""

    async def begin(self) -> int:
        """Raise the epoch; nodes written from now on carry it or a later one."""

    async def roots(self, room_num: int, after: int, limit: int) -> tuple[set[bytes], int | None]:
        """Roots named by the room's next events after that number, and the last number; None: there are no more."""

    async def nodes(self, node_ids: Collection[bytes]) -> dict[bytes, bytes]: ...

    async def sweep(self, room_num: int, kept: Collection[bytes], epoch: int, after: bytes, limit: int) -> bytes | None:
        """Remove nodes of the room older than the epoch and not kept, looking at the next `limit` nodes of all rooms; where it ended, None: at the end."""

    async def done(self, room_num: int) -> None: ...


class StateCollector:
    """Works whenever a room is noted."""

    _log = Logger()

    def __init__(self, store: CollectionStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._timer: IDelayedCall | None = None
        self._running: Deferred[None] | None = None
        self._stopping = False

    def start(self) -> None:
        self._timer = self._clock.call_later(IDLE_S, self._wake)

    async def stop(self) -> None:
        """Ends after the step that runs; the rest is done after the next start."""
        self._stopping = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self._running is not None:
            await self._running

    def _wake(self) -> None:
        self._running = Deferred.fromCoroutine(self.collect_all())
        self._running.addErrback(lambda failure: self._log.failure("the collection of state nodes failed", failure))
        self._running.addBoth(self._rest)

    def _rest(self, _: object) -> None:
        self._running = None
        if not self._stopping:
            self.start()

    async def collect_all(self) -> None:
        """Every noted room."""
        while not self._stopping and (room_num := await self._store.next_room()) is not None:
            try:
                await self.collect(room_num)
            except MatrixError:
                return  # the database is away: the room stays noted

    async def collect(self, room_num: int) -> None:
        """One room, unless told to stop meanwhile."""
        epoch = await self._store.begin()
        kept = await self._mark(room_num)
        after: bytes | None = b""
        while after is not None and not self._stopping:
            after = await self._store.sweep(room_num, kept, epoch, after, STEP)
            await self._clock.sleep(PAUSE_S)
        if not self._stopping:
            await self._store.done(room_num)

    async def _mark(self, room_num: int) -> set[bytes]:
        """Every node that a state of the room is made of; not all of them once told to stop, when nothing will be swept."""
        kept: set[bytes] = {EMPTY}
        last: int | None = -1
        while last is not None and not self._stopping:
            roots, last = await self._store.roots(room_num, last, STEP)
            level = roots - kept
            while level:
                kept |= level
                bodies = await self._store.nodes(level)
                level = {child for body in bodies.values() for child in child_ids(body)} - kept
            await self._clock.sleep(PAUSE_S)
        return kept
