"""Read receipts, public and private, threaded and not (client-server API, "Receipts"; MSC4102 on clashes).

For sync: `await room(room_id)` (no suspension when the room is in memory) gives a `RoomReceipts`, whose questions are synchronous: `events(user_id)`
for an initial sync, `events(user_id, since, until)` for an increment, `read_position(user_id, thread)` for unread counts. `await rooms(room_ids)`
loads many at once; `await changed(room_ids, since)` tells which of them have something new when the stream's memory does not reach back.
Changes are announced as Change("receipt", room ID, user ID, Receipt), or "private_receipt", which concerns its user alone.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from twisted.internet.defer import DeferredList, ensureDeferred

from homeserver.clock import Clock
from homeserver.ephemeral.ports import FullyRead, RoomMembers
from homeserver.ephemeral.room_receipts import RoomReceipts
from homeserver.ephemeral.store import PRIVATE_KIND, PUBLIC_KIND, READ, READ_PRIVATE, UNTHREADED, NewReceipt, Receipt, ReceiptStore
from homeserver.errors import Forbidden, InvalidParam, NotFound
from homeserver.figures import CacheFigures
from homeserver.stream_cache import StreamCache
from homeserver.streams import Change, Streams

FULLY_READ = "m.fully_read"
RECEIPT_TYPES = frozenset({READ, READ_PRIVATE, FULLY_READ})
MAX_THREAD_ID_BYTES = 255
CACHED_RECEIPTS = 300_000
KEPT_AT_ONCE = 20


class Receipts:
    def __init__(self, store: ReceiptStore, members: RoomMembers, fully_read: FullyRead, clock: Clock, streams: Streams) -> None:
        self._store = store
        self._members = members
        self._fully_read = fully_read
        self._clock = clock
        self._cache: StreamCache[RoomReceipts] = StreamCache(self._load, _apply, lambda room: room.weight, CACHED_RECEIPTS)
        streams.subscribe(self._follow)

    async def mark(self, user_id: str, room_id: str, markers: Iterable[tuple[str, str]], thread_id: str | None = None) -> None:
        """Set several markers, given as (receipt type, event ID), of a joined user. Nothing is set when one of them is bad.

        Raises Forbidden (not joined), NotFound (the event is not in the room), InvalidParam (type or thread).
        """
        if not await self._members.is_joined(room_id, user_id):
            raise Forbidden("You are not in this room")
        user_id, room_id = str(user_id), str(room_id)  # plain strings become keys of JSON objects
        pending: list[Callable[[], Awaitable[None]]] = []
        for type, event_id in markers:
            if type not in RECEIPT_TYPES:
                raise InvalidParam(f"The receipt type must be one of {', '.join(sorted(RECEIPT_TYPES))}")
            place = await self._store.place(room_id, event_id, relations=thread_id is not None)
            if place is None:
                raise NotFound("There is no such event in this room")
            if thread_id is not None and not place.belongs_to(event_id, thread_id):
                raise InvalidParam("The event is not related to the thread")
            if type == FULLY_READ:
                pending.append(partial(self._fully_read.mark_fully_read, user_id, room_id, str(event_id), place.position))
            else:
                receipt = Receipt(room_id, user_id, type, thread_id or UNTHREADED, str(event_id), place.position, self._clock.now_ms())
                pending.append(partial(self._record, NewReceipt(place.room_num, receipt)))
        await _together(pending)

    async def receive(self, room_id: str, user_id: str, event_id: str, ts: int, thread_id: str | None) -> None:
        """A public receipt that another server sent for a user of its own, known to be joined.

        One at an event we do not have (yet) counts as later than all we have; a thread is taken as it is named.
        """
        place = await self._store.place(room_id, event_id, relations=False) or await self._store.end(room_id)
        if place is not None:
            receipt = Receipt(room_id, user_id, READ, thread_id or UNTHREADED, str(event_id), place.position, ts)
            await self._record(NewReceipt(place.room_num, receipt))

    async def room(self, room_id: str) -> RoomReceipts:
        return await self._cache.get(room_id)

    @property
    def figures(self) -> CacheFigures:
        return self._cache.figures

    async def rooms(self, room_ids: Collection[str]) -> dict[str, RoomReceipts]:
        """Many rooms. When most are not in memory, those are read at once and not kept: a first sync must not push out the rooms in use."""
        found: dict[str, RoomReceipts] = {}
        missing = []
        for room_id in room_ids:
            held = self._cache.peek(room_id)
            if held is None:
                missing.append(room_id)
            else:
                found[room_id] = held
        if len(missing) <= KEPT_AT_ONCE:
            for room_id in missing:
                found[room_id] = await self._cache.get(room_id)
            return found
        read = await self._store.all_of(missing)
        for room_id in missing:
            found[room_id] = RoomReceipts(read.get(room_id, ()))
        return found

    async def changed(self, room_ids: Collection[str], since: int) -> set[str]:
        """Those of the rooms with a receipt after the position; private ones of others may count too."""
        return await self._store.changed(room_ids, since)

    async def _record(self, new: NewReceipt) -> None:
        room = await self.room(new.receipt.room_id)
        if room.is_newer(new.receipt):
            await self._store.record(new)

    async def _load(self, room_id: str) -> RoomReceipts:
        return RoomReceipts(await self._store.all(room_id))

    def _follow(self, changes: list[Change]) -> None:
        if not changes:
            self._cache.clear()
        for change in changes:
            if change.kind in (PUBLIC_KIND, PRIVATE_KIND) and change.room_id is not None:
                self._cache.follow(change.room_id, change)


def check_thread_id(body: Mapping[str, Any], types: Iterable[str]) -> str | None:
    """The thread_id of a client's body, None when it has none or null, as matrix-nio sends it.

    Raises InvalidParam when it is no thread's, or does not go with the receipt types.
    """
    thread_id = body.get("thread_id")
    if thread_id is None:
        return None
    if not isinstance(thread_id, str) or not thread_id or len(thread_id.encode()) > MAX_THREAD_ID_BYTES or "\0" in thread_id:
        raise InvalidParam("thread_id must be a non-empty string")
    if FULLY_READ in types:
        raise InvalidParam("m.fully_read takes no thread_id")
    return thread_id


async def _together(actions: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """All at once, so that they share a commit; the first failure is raised when all have ended."""
    if len(actions) == 1:
        await actions[0]()
        return
    outcomes: list[tuple[bool, Any]] = await DeferredList([ensureDeferred(_run(action)) for action in actions], consumeErrors=True)
    for succeeded, outcome in outcomes:
        if not succeeded:
            outcome.raiseException()


async def _run(action: Callable[[], Awaitable[None]]) -> None:
    await action()


def _apply(room: RoomReceipts, change: Change) -> bool:
    if not isinstance(change.subject, Receipt):
        return False
    room.apply(change.subject)
    return True
