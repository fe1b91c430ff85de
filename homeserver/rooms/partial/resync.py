"""Brings in the rest of every room that was entered in part: at once, again and again while nobody gives it, and after a restart (MSC3902)."""

from collections.abc import Sequence
from typing import Final, Protocol

from twisted.internet.defer import CancelledError, Deferred, DeferredSemaphore
from twisted.logger import Logger
from twisted.python.failure import Failure

from homeserver.clock import Chance, Clock
from homeserver.errors import MatrixError
from homeserver.rooms.partial.partial_rooms import PartialRooms
from homeserver.rooms.partial.store import PARTIAL_ROOM
from homeserver.rooms.store import RoomRecord
from homeserver.streams import Change, Streams

AT_ONCE: Final = 8  # rooms
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 600.0


class RoomReads(Protocol):
    """A part of `homeserver.rooms.store.RoomStore`."""

    async def room(self, room_id: str) -> RoomRecord | None: ...


class Completes(Protocol):
    """A part of `homeserver.rooms.partial.complete.Completing`."""

    async def complete(self, room_id: str, servers: Sequence[str]) -> None: ...


class Resync:
    """Works from `start` to `stop`."""

    _log = Logger()

    def __init__(
        self, *, rooms: RoomReads, partial: PartialRooms, completing: Completes, streams: Streams, clock: Clock, chance: Chance
    ) -> None:
        self._rooms = rooms
        self._partial = partial
        self._completing = completing
        self._streams = streams
        self._clock = clock
        self._chance = chance
        self._slots = DeferredSemaphore(AT_ONCE)
        self._running: dict[str, Deferred[None]] = {}
        self._again: set[str] = set()  # entered anew while it ran
        self._stopped = True
        self.tries = 0
        self.failures = 0

    def start(self) -> None:
        self._stopped = False
        self._streams.subscribe(self._follow)
        for room_id in self._partial.rooms:
            self._begin(room_id)

    def stop(self) -> None:
        """What is not done is done after the next start."""
        self._stopped = True
        for running in list(self._running.values()):
            running.cancel()

    def _follow(self, changes: list[Change]) -> None:
        for change in changes:
            if change.kind == PARTIAL_ROOM and change.room_id is not None:
                self._begin(change.room_id)

    def _begin(self, room_id: str) -> None:
        if self._stopped:
            return
        if room_id in self._running:
            self._again.add(room_id)
            return
        running = Deferred.fromCoroutine(self._run(room_id))
        self._running[room_id] = running
        running.addErrback(self._failed, room_id)
        running.addBoth(self._ended, room_id)

    def _failed(self, failure: Failure, room_id: str) -> None:
        if not failure.check(CancelledError):
            self._log.failure("{room} is not fetched any more before the next start", failure, room=room_id)

    def _ended(self, _: object, room_id: str) -> None:
        self._running.pop(room_id, None)
        if room_id in self._again:
            self._again.discard(room_id)
            self._begin(room_id)

    async def _run(self, room_id: str) -> None:
        pause, servers = FIRST_PAUSE_S, list(self._partial.servers(room_id))
        while self._partial.is_partial(room_id):
            room = await self._rooms.room(room_id)
            if room is None or room.local_joined_count == 0:  # until somebody of this server comes in again
                self._partial.let_go(room_id)
                return
            self.tries += 1
            if await self._try(room_id, servers):
                return
            self.failures += 1
            servers = [*servers[1:], *servers[:1]]  # of many only the first few are asked
            await self._clock.sleep(pause * self._chance.uniform(0.75, 1.25))
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _try(self, room_id: str, servers: Sequence[str]) -> bool:
        try:
            await self._slots.run(lambda: Deferred.fromCoroutine(self._completing.complete(room_id, servers)))
        except MatrixError as error:
            self._log.info("{room} is not whole yet: {error}", room=room_id, error=error.message)
        except CancelledError:
            raise
        except Exception:
            self._log.failure("{room} could not be made whole, it is tried again", room=room_id)
        else:
            return True
        return False
