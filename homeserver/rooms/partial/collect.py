"""Removes the state nodes that a room leaves behind when it becomes whole: its events of before stand in other states then. Nothing else leaves any.

The write that makes a room whole notes the states that its events lose (`StoredPartialRooms.finish`). A look at the room walks every state that a row
names. What is part of a noted state, and was met in none of these, is dated; dated nodes go at a look a day later, unless that meets them after all.

Why nothing goes that is needed. A commit writes all the nodes that were made on the way to its state, also those that are stored already, and thereby
takes back their dates, in the same statement. So it can only need a dated node unwritten when its state was made from another that has it. That one was
read from a row, or made in turn from one that was. But a row's state, once there, stays, but for the write that makes the room whole: after that every look
begins anew, and one that is under way ends. So either the row was there when a look began, which met the node and forgot its date; or the state was read
before the room became whole and is held in memory since, for more than a day. Nobody does that:

- what arrives, is sent or enters is placed in states read under the room's queue or lock, which that write holds; the states of what is not here are made
  from nothing, with all their nodes, and so are those that are fetched to make a room whole, however long it takes;
- who reads back asks before placing anything whether what was known in part still is (`OldHistory`);
- a room's head stays in memory, and is let go before each look, once all that it counts is on disk;
- results that are remembered by a state (`Resolver`, `StateReader`, `Glances`, what is told to servers) are asked for by somebody who has that state, who
  is one of these; they have either all nodes beside it, or none;
- events in caches are dropped when a room becomes whole (`StateReader`, `Timelines`), those among the recent changes at each look, and for a request they
  are held for minutes. Sync tokens and connections are positions, and what stood in a redacted event is no state.

Days are counted by the clock as it was at the start, so that setting it ages nothing; and the first look comes an hour after that.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from homeserver.clock import Clock
from homeserver.errors import MatrixError
from homeserver.rooms.head import RoomHeads
from homeserver.rooms.partial.store import LeftRoom, LeftStates
from homeserver.rooms.room_lock import RoomLocks
from homeserver.rooms.send import on_disk
from homeserver.rooms.state_map import EMPTY, child_ids
from homeserver.rooms.store import RoomStore
from homeserver.streams import Streams

PERIOD_S: Final = 3_600.0
GRACE_MS: Final = 24 * 3_600_000
PAUSE_S: Final = 0.05  # between two steps: everybody else goes first
STEP: Final = 500  # rows
FIRST: Final = -(2**62)  # before every place in a graph


class StateCollector:
    """Works from `start` to `stop`."""

    _log = Logger()

    def __init__(self, *, left: LeftStates, store: RoomStore, heads: RoomHeads, locks: RoomLocks, streams: Streams, clock: Clock) -> None:
        self._left = left
        self._store = store
        self._heads = heads
        self._locks = locks
        self._streams = streams
        self._clock = clock
        self._began_ms = clock.now_ms() - int(clock.monotonic() * 1000)
        self._timer: IDelayedCall | None = None
        self._running: Deferred[None] | None = None
        self._stopping = False

    def start(self) -> None:
        self._timer = self._clock.call_later(PERIOD_S, self._wake)

    async def stop(self) -> None:
        """Ends after the step that runs; the rest is done after the next start."""
        self._stopping = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self._running is not None:
            await self._running

    def _wake(self) -> None:
        running = self._running = Deferred.fromCoroutine(self.collect())
        running.addErrback(lambda failure: self._log.failure("the collection of state nodes failed", failure))
        running.addBoth(self._rest)

    def _rest(self, _: object) -> None:
        self._running = None
        if not self._stopping:
            self.start()

    async def collect(self) -> None:
        """A look at every room where there is something to look at."""
        try:
            for room in await self._left.rooms(self._now_ms() - GRACE_MS):
                await self._try(room)
        except MatrixError:
            return  # the database is away: all stays noted

    async def _try(self, room: LeftRoom) -> None:
        try:
            await self._look(room)
        except MatrixError:
            raise
        except Exception:
            self._log.failure("{room}: nodes of states that it left could not be collected", room=room.room_id)

    def _now_ms(self) -> int:
        return self._began_ms + int(self._clock.monotonic() * 1000)

    async def _look(self, room: LeftRoom) -> None:
        due_ms = self._now_ms() - GRACE_MS
        async with self._locks.hold(room.room_id):
            await on_disk(self._store.commit([]))
            self._heads.forget(room.room_id)
        self._streams.forget_recent()
        met = await self._met(room)
        if self._stopping or not await self._date(room, met):
            return
        removed = await self._remove(room, met, due_ms)
        if removed:
            self._log.info("{room}: {removed} nodes of states that it left are gone", room=room.room_id, removed=removed)

    async def _met(self, room: LeftRoom) -> set[bytes]:
        """All that the room's states are made of; less once told to stop."""
        met: set[bytes] = {EMPTY}
        last: int | None = FIRST
        while last is not None and not self._stopping:
            roots, last = await self._left.roots(room.room_num, last, STEP)
            await self._clock.sleep(PAUSE_S)
            met.update(await self._below(roots, met, is_whole=True))
        return met

    async def _below(self, roots: Iterable[bytes], met: Collection[bytes], *, is_whole: bool) -> list[bytes]:
        """Those nodes and all below them, without what was met, for all below that was, too. `is_whole`: none of it may be missing."""
        found: dict[bytes, None] = {}
        level = [node for node in roots if node not in met]
        while level:
            found.update(dict.fromkeys(level))
            below: set[bytes] = set()
            for some in _in_steps(level):
                if self._stopping:
                    break
                bodies = await self._left.nodes(some)
                if is_whole and len(bodies) < len(some):
                    raise RuntimeError("the database lacks nodes of a state")
                below.update(child for body in bodies.values() for child in child_ids(body))
                await self._clock.sleep(PAUSE_S)
            level = [node for node in below if node not in met and node not in found]
        return list(found)

    async def _date(self, room: LeftRoom, met: Collection[bytes]) -> bool:
        """What is noted, and all below it, where it was not met. The noted last: what is not dated yet is found below them again. False: no further."""
        after = b""
        while noted := await self._left.noted(room, after, STEP):
            after = noted[-1]
            found = await self._below(noted, met, is_whole=False)
            for some in _in_steps(found[::-1]):
                if self._stopping or not await self._left.date(room, some, self._now_ms()):
                    return False
                await self._clock.sleep(PAUSE_S)
            if self._stopping or not await self._left.forget(room, [node for node in noted if node in met]):
                return False
        return True

    async def _remove(self, room: LeftRoom, met: Collection[bytes], due_ms: int) -> int:
        """What was dated long enough ago, unless it was met; how many nodes that were."""
        after, count = b"", 0
        while dated := await self._left.dated(room, due_ms, after, STEP):
            after = dated[-1]
            if self._stopping or not await self._left.forget(room, [node for node in dated if node in met]):
                break
            removed = await self._left.remove(room, [node for node in dated if node not in met], due_ms)
            if removed is None:
                break
            count += removed
            await self._clock.sleep(PAUSE_S)
        return count


def _in_steps(nodes: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(nodes), STEP):
        yield nodes[start : start + STEP]
