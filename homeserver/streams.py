"""Positions and wake-ups: what was committed, in order, for whoever reads on.

Every durable change takes the next position of ONE server-wide sequence inside its transaction; a position is announced only when its commit is on
disk, and positions are announced in order without gaps. Readers (sync, federation, application services, push) keep their own position and read on
from it; nobody is called by name. A waiter registers before it reads, so no wake-up is lost.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

RECENT_CHANGES = 20_000  # how many changes stay in memory, of at most so many bytes; a reader further behind asks the store
RECENT_BYTES = 16 * 2**20


class Change:
    """One committed change. `kind` is a word of the part that writes it ("event", "receipt", "account_data", …).

    `room_id` and `user_id` say whom it concerns (either may be None); `subject` is what readers in this process may use instead of asking the store
    (for "event": the StoredEvent), None when the change came from another process; `weight` is the bytes it holds, where that may be much.
    """

    __slots__ = ("kind", "position", "room_id", "subject", "user_id", "weight")

    def __init__(
        self, position: int, kind: str, room_id: str | None = None, user_id: str | None = None, subject: Any = None, weight: int = 0
    ) -> None:
        self.position = position
        self.kind = kind
        self.room_id = room_id
        self.user_id = user_id
        self.subject = subject
        self.weight = weight

    def __repr__(self) -> str:
        return f"<Change {self.position} {self.kind} {self.room_id} {self.user_id}>"


class Streams:
    """The committed position, the recent changes, and who wants to know."""

    _log = Logger()

    def __init__(self, position: int = 0) -> None:
        self.position = position  # everything up to here is on disk and visible
        self._floor = position  # changes above it are all in `_recent`
        self._recent: deque[Change] = deque()
        self._weight = 0
        self._readers: list[Callable[[list[Change]], None]] = []
        self._wakers: list[Callable[[list[Change]], None]] = []
        self._arrivals: list[tuple[int, Deferred[None]]] = []

    def subscribe(self, reader: Callable[[list[Change]], None]) -> None:
        """`reader` is given every batch of committed changes, in order, on the loop; it must not block. Its errors are its own."""
        self._readers.append(reader)

    def subscribe_last(self, waker: Callable[[list[Change]], None]) -> None:
        """As `subscribe`, called once every reader has seen the batch: for whoever starts others, who will ask the readers."""
        self._wakers.append(waker)

    def publish(self, changes: Iterable[Change], position: int) -> None:
        """Called by the storage after a commit, batch by batch in commit order."""
        batch = list(changes)
        self._recent.extend(batch)
        for change in batch:
            self._weight += change.weight
        self.position = max(self.position, position)
        while len(self._recent) > RECENT_CHANGES or self._weight > RECENT_BYTES:
            oldest = self._recent.popleft()
            self._floor = oldest.position
            self._weight -= oldest.weight
        for reader in (*self._readers, *self._wakers):
            try:
                reader(batch)
            except Exception:
                self._log.failure("a stream reader failed")
        if self._arrivals:
            self._release()

    def skip_to(self, position: int) -> None:
        """What lies up to there is stored but was never published here (before our start, by another process): readers ask the store."""
        self._recent.clear()
        self._weight = 0
        self.position = self._floor = max(self.position, position)
        self.publish((), self.position)

    def forget_recent(self) -> None:
        """Who is behind asks the store: what was announced may not be as it is stored any more."""
        self._recent.clear()
        self._weight = 0
        self._floor = self.position

    def recent(self, since: int) -> list[Change] | None:
        """The changes after `since`, oldest first; None when memory does not reach back that far."""
        if since < self._floor:
            return None
        found = []
        for change in reversed(self._recent):
            if change.position <= since:
                break
            found.append(change)
        found.reverse()
        return found

    async def reached(self, position: int) -> None:
        """Returns once everything up to `position` is visible here."""
        if self.position >= position:
            return
        arrival: Deferred[None] = Deferred()
        self._arrivals.append((position, arrival))
        await arrival

    def _release(self) -> None:
        due = [arrival for position, arrival in self._arrivals if position <= self.position]
        self._arrivals = [pair for pair in self._arrivals if pair[0] > self.position]
        for arrival in due:
            if not arrival.called:
                arrival.callback(None)
