"""One room, one writer: whoever changes a room holds its lock and passes it on as the proof.

In one process the lock is a queue of coroutines; with several it is also a lease, taken here.
"""

from collections import deque
from types import TracebackType

from twisted.internet.defer import Deferred


class RoomLock:
    """Held by one coroutine at a time, in the order of asking. `async with locks.hold(room_id) as lock:`"""

    __slots__ = ("_held", "_letting_in", "_locks", "_waiting", "room_id")

    def __init__(self, locks: "RoomLocks", room_id: str) -> None:
        self._locks = locks
        self.room_id = room_id
        self._held = False
        self._letting_in = False
        self._waiting: deque[Deferred[None]] = deque()

    async def __aenter__(self) -> "RoomLock":
        if self._held or self._letting_in:
            self._locks.waits += 1
            turn: Deferred[None] = Deferred(self._abandon)
            self._waiting.append(turn)
            await turn
        self._held = True
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._held = False
        if not self._letting_in:
            self._let_in()

    def _let_in(self) -> None:
        """One after the other from here, as long as none of them pauses: were each to let in the next, a long queue would be a deep stack."""
        self._letting_in = True
        while self._waiting and not self._held:
            self._waiting.popleft().callback(None)
        self._letting_in = False
        if not self._held:
            self._locks.forget(self)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def _abandon(self, turn: Deferred[None]) -> None:
        if turn in self._waiting:
            self._waiting.remove(turn)


class RoomLocks:
    """The locks in use, by room."""

    def __init__(self) -> None:
        self._locks: dict[str, RoomLock] = {}
        self.waits = 0  # how often somebody had to wait

    def hold(self, room_id: str) -> RoomLock:
        lock = self._locks.get(room_id)
        if lock is None:
            lock = self._locks[room_id] = RoomLock(self, room_id)
        return lock

    @property
    def held(self) -> int:
        return len(self._locks)

    @property
    def waiting(self) -> int:
        return sum(lock.waiting for lock in self._locks.values())

    def forget(self, lock: RoomLock) -> None:
        self._locks.pop(lock.room_id, None)
