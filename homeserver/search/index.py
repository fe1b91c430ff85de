"""Keeps the index of what was said: a background reader of the stream with a position of its own.

Nobody waits for it. What is not indexed yet is found all the same, by looking at the events, so it works in large steps, late, and when there is little
else to do: a room gets a block as soon as there is enough for one. Redacted texts are taken out of the blocks, encrypted rooms have none.
"""

from collections import OrderedDict

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from homeserver.clock import Clock
from homeserver.errors import Unavailable
from homeserver.rooms.store import StoredEvent
from homeserver.search import block
from homeserver.search.store import EACH, OTHERS, SEARCHED, WHOLE, Block, IndexStore
from homeserver.streams import Change, Streams

DELAY_S = 30.0  # from what there is to do until it is done
BUSY = 20 * DELAY_S  # positions of the stream within the delay: there is something else to do
MAX_DELAYS = 20  # then it is done even so
PAUSE_S = 0.05  # between two steps
MAX_ROOMS = 20_000  # of which it is known how much there is to index
SAVED_EVERY = 10_000  # positions


class SearchIndex:
    """Works from `start` to `stop`."""

    _log = Logger()

    def __init__(self, store: IndexStore, streams: Streams, clock: Clock) -> None:
        self._store = store
        self._streams = streams
        self._clock = clock
        self._waiting: OrderedDict[str, int] = OrderedDict()  # by room: how much there is after its last block, of WHOLE
        self._due: dict[str, None] = {}  # rooms to look at
        self._gap: tuple[int, int] | None = None  # positions whose rooms are to be asked of the store: after, up to
        self._stale = False
        self._saved = 0
        self._timer: IDelayedCall | None = None
        self._delays = 0
        self._at = 0  # the stream's position when the delay began
        self._running: Deferred[None] | None = None
        self._stopped = True
        self.blocks = 0  # written since the start

    async def start(self) -> None:
        """Begin to follow, and take up what happened meanwhile."""
        self._stopped = False
        self._streams.subscribe(self._follow)
        heard = self._streams.position
        self._saved = await self._store.position()
        if self._saved < heard:
            self._gap = (self._saved, heard)
        self._stale = bool(await self._store.stale())
        self._wake()

    async def stop(self) -> None:
        """Ends after the step that runs; the rest waits for the next start."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._running is not None:
            await self._running

    def _follow(self, changes: list[Change]) -> None:
        if self._stopped:
            return
        if not changes:  # positions that were stepped over
            self._gap = (self._saved, self._streams.position)
        for change in changes:
            if change.kind == "event" and change.room_id is not None:
                self._count(change.room_id, change.subject)
            elif change.kind == "redacted":
                self._stale = True
        if self._timer is None and (self._due or self._stale or self._gap is not None):
            self._wake()

    def _count(self, room_id: str, event: StoredEvent | None) -> None:
        weight = self._waiting.get(room_id)
        if weight is None or event is None or event.type == "m.room.encryption":
            self._due[room_id] = None
            return
        weight += EACH if event.type in SEARCHED else OTHERS
        self._waiting[room_id] = weight
        if weight >= WHOLE:
            self._due[room_id] = None

    def _wake(self) -> None:
        if self._timer is None and self._running is None and not self._stopped and (self._due or self._stale or self._gap is not None):
            self._at = self._streams.position
            self._timer = self._clock.call_later(DELAY_S, self._begin)

    def _begin(self) -> None:
        self._timer = None
        if self._streams.position - self._at > BUSY and self._delays < MAX_DELAYS:
            self._delays += 1
            self._wake()
            return
        self._delays = 0
        running = self._running = Deferred.fromCoroutine(self._work())
        running.addBoth(self._rest)

    def _rest(self, _: object) -> None:
        self._running = None
        self._wake()

    async def _work(self) -> None:
        """Everything there is to do by now."""
        try:
            if self._stale:
                self._stale = False
                await self._renew()
            heard, gap = self._streams.position, self._gap
            if gap is not None:
                self._gap = None
                self._due.update(dict.fromkeys(await self._store.touched(*gap)))
            while self._due and not self._stopped:
                await self._index(next(iter(self._due)))
                await self._clock.sleep(PAUSE_S)
            if not self._due and (gap is not None or heard - self._saved >= SAVED_EVERY):
                await self._store.set_position(heard)
                self._saved = heard
        except Exception as error:
            if not isinstance(error, Unavailable):  # the database is away
                self._log.failure("the search index could not be brought up to date, it is tried again")
            self._catch_up()

    def _catch_up(self) -> None:
        self._stale = True
        self._gap = (self._saved, self._streams.position)

    async def _index(self, room_id: str) -> None:
        """One block of the room, or the knowledge that there is not enough for one."""
        self._waiting[room_id] = 0  # what comes meanwhile may count twice, never not at all
        self._waiting.move_to_end(room_id)
        found: Block | int = 0
        if await self._store.encrypted([room_id]):
            await self._store.drop(room_id)
        else:
            found = await self._store.missing(room_id, block.write)
        if isinstance(found, Block):
            await self._store.keep(found)
            self.blocks += 1
            return
        self._waiting[room_id] += found
        if self._waiting[room_id] < WHOLE:
            self._due.pop(room_id, None)
        while len(self._waiting) > MAX_ROOMS:
            self._waiting.popitem(last=False)

    async def _renew(self) -> None:
        """Without the words of what was redacted."""
        while not self._stopped and (stale := await self._store.stale()):
            rooms: dict[str, list[int]] = {}
            for room_id, position in stale:
                rooms.setdefault(room_id, []).append(position)
            for room_id, positions in rooms.items():
                await self._store.renew(room_id, positions, block.write)
                await self._clock.sleep(PAUSE_S)
