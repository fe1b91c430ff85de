"""One other server: what it is still to be told, in order, one transaction at a time.

As long as it takes what it is sent, that waits in memory. When it does not, or too much waits, it *falls behind*: then only the rooms are known of which
it lacks events, and a further event in one of them costs nothing. When it may be tried again it is told what it lacks (`catch_up`), and joins in again.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from federation.outages import Outages
from federation.outbound.passing import Passing
from federation.outbound.store import LetterStore
from federation.outbound.transaction import MOST_EDUS, MOST_PDUS, Item, Transactions, edu_of
from federation.slots import Slots
from homeserver.clock import Clock
from homeserver.errors import Unavailable

MOST_WAITING: Final = 500  # items in memory
PASSING_S: Final = 0.2  # what is worth telling only now waits so long for more of it
PROVEN_S: Final = 60.0  # for one transaction: the other server may have to ask for much before it answers
DOUBTFUL_S: Final = 20.0
SLOW_S: Final = 5.0  # who takes longer does not go before those who may be dead
RETRY_S: Final = 15.0  # after an error of our own
EVERYBODY: Final = "everybody"


class Mark:
    """Up to where the stream was read and handed out."""

    __slots__ = ("done",)

    def __init__(self) -> None:
        self.done = 0


class Means(NamedTuple):
    """What all destinations share. Those that took something lately do not wait for those that may be dead."""

    transactions: Transactions
    outages: Outages
    letters: LetterStore
    clock: Clock
    mark: Mark
    catch_up: Callable[["Destination"], Awaitable[bool]]
    proven: Slots
    doubtful: Slots


class Board(Protocol):
    """Who keeps an eye on all destinations."""

    def moved(self, destination: "Destination") -> None:
        """It fell behind, or caught up."""

    def note(self, destination: "Destination") -> None:
        """It is owed something else."""


class Destination:
    _log = Logger()
    __slots__ = (
        "_board", "_is_running", "_means", "_running", "_stopped", "_timer", "has_letters", "is_proven", "name", "owed", "passing", "queue", "since", "unsaved",
    )  # fmt: skip

    def __init__(self, name: str, means: Means, board: Board) -> None:
        self.name = name
        self._board = board
        self._means = means
        self.queue: deque[Item] = deque()
        self.passing = Passing()
        self.has_letters = False
        self.is_proven = False
        self.owed: dict[str, int] | None = None  # room → up to where it has our events; None: it is not behind
        self.since = 0  # while it is behind: up to where it was told of changes of keys
        self.unsaved: dict[str, None] = {}  # rooms owed that are not written down as they are now
        self._timer: IDelayedCall | None = None
        self._is_running = False
        self._running: Deferred[None] | None = None
        self._stopped = False

    @property
    def is_idle(self) -> bool:
        return not (self.queue or self.has_letters or self.passing or self.owed is not None)

    @property
    def is_at_rest(self) -> bool:
        """There is nothing to do, and nothing under way."""
        return not self._is_running and self._timer is None and self.is_idle

    @property
    def is_down(self) -> bool:
        return self._means.outages.retry_ms(self.name) > 0

    def add(self, item: Item) -> None:
        if self.owed is not None:
            if item.event is not None:
                self.owe(item.event.room_id, item.position - 1)
            return
        self.queue.append(item)
        if len(self.queue) > MOST_WAITING:
            self.fall_behind()
        self.wake()

    def owe(self, room_id: str, after: int) -> None:
        """It lacks events of the room after that position."""
        if self.owed is not None and room_id not in self.owed:
            self.owed[room_id] = after
            self.paid(room_id, after)

    def paid(self, room_id: str, until: int) -> None:
        """It has the events of the room up to there."""
        if self.owed is not None:
            self.owed[room_id] = until
            self.unsaved[room_id] = None
            self._board.note(self)

    def told_keys(self, until: int) -> None:
        self.since = until
        self._board.note(self)

    def fall_behind(self) -> None:
        if self.owed is not None:
            return
        self.owed = {}
        self.since = self.queue[0].position - 1 if self.queue else self._means.mark.done
        for item in self.queue:
            if item.event is not None:
                self.owe(item.event.room_id, item.position - 1)
        self.queue.clear()
        self._board.moved(self)

    def rejoin(self, items: Sequence[Item]) -> None:
        """It has everything but these."""
        self.owed = None
        self.unsaved.clear()
        self.queue.extend(items)
        self._board.moved(self)

    def tell_letters(self) -> None:
        self.has_letters = True
        self.wake()

    def wake(self) -> None:
        """There may be something to do, now."""
        self._cancel_timer()
        if not self._is_running and not self._stopped and not self.is_idle:
            self._is_running = True
            self._running = Deferred.fromCoroutine(self._run())

    def wake_soon(self) -> None:
        if not self._is_running and self._timer is None and not self._stopped:
            self._timer = self._means.clock.call_later(PASSING_S, self.wake)

    async def stop(self) -> None:
        """What is under way is given up: it will be told again after the next start."""
        self._stopped = True
        self._cancel_timer()
        if self._running is not None and self._is_running:
            self._running.cancel()

    async def transmit(self, items: Sequence[Item]) -> bool:
        """These, and of the rest what there is place for. False: it was not taken."""
        pdus = [item.encoded for item in items if item.event is not None]
        edus = [item.encoded for item in items if item.event is None]
        place = MOST_EDUS - len(edus)
        letters = await self._means.letters.waiting(self.name, place) if self.has_letters and place else ()
        if len(letters) < place:
            self.has_letters = False
        edus += [edu_of("m.direct_to_device", letter.content) for letter in letters]
        edus += self.passing.take(MOST_EDUS - len(edus))
        if not pdus and not edus:
            return True
        sent, began = False, self._means.clock.monotonic()
        try:
            sent = await self._means.transactions.send(self.name, pdus, edus, PROVEN_S if self.is_proven else DOUBTFUL_S)
        finally:
            self.is_proven = sent and self._means.clock.monotonic() - began < SLOW_S
            if letters and not sent:
                self.has_letters = True
        if sent and letters:
            await self._means.letters.remove(self.name, letters[-1].position)
        return sent

    async def _run(self) -> None:
        try:
            while not self._stopped and not self.is_idle:
                if self.is_down:
                    self._rest()
                    return
                slots = self._means.proven if self.is_proven else self._means.doubtful
                async with slots.of(EVERYBODY):
                    if not self.is_down:
                        await self._step()
        except CancelledError:
            self._log.debug("{destination} is told the rest after the next start", destination=self.name)
        except Exception as error:
            if not isinstance(error, Unavailable):  # the database is away
                self._log.failure("{destination} could not be told, it is tried again", destination=self.name)
            if not self._stopped:
                self._timer = self._means.clock.call_later(RETRY_S, self.wake)
        finally:
            self._is_running = False

    async def _step(self) -> None:
        if self.owed is not None:
            await self._means.catch_up(self)
            return
        items = self._next()
        if await self.transmit(items):
            if self.owed is None:
                for _ in items:
                    self.queue.popleft()
        elif self.queue:
            self.fall_behind()

    def _next(self) -> list[Item]:
        items = []
        pdus = edus = 0
        for item in self.queue:
            pdus += item.event is not None
            edus += item.event is None
            if pdus > MOST_PDUS or edus > MOST_EDUS:
                break
            items.append(item)
        return items

    def _rest(self) -> None:
        """Until it may be tried again."""
        if self.queue:
            self.fall_behind()
        self.passing.clear()
        self.is_proven = False
        if not self.is_idle:
            wait_ms = self._means.outages.retry_ms(self.name) - self._means.clock.now_ms()
            self._timer = self._means.clock.call_later(max(wait_ms, 100) / 1000, self.wake)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            if self._timer.active():
                self._timer.cancel()
            self._timer = None
