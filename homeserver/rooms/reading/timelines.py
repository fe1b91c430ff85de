"""The newest events of rooms in use, in memory, so that a sync that only reads on asks no database.

A tail is complete from its floor on. It follows the stream; a redaction of an event in it drops it.
"""

from collections import OrderedDict, deque
from collections.abc import Sequence

from homeserver.figures import CacheFigures
from homeserver.rooms.partial.store import WHOLE_ROOM
from homeserver.rooms.reading.timeline_store import Stretch, TimelineStore, Window
from homeserver.rooms.store import HAS_CHILDREN, StoredEvent
from homeserver.streams import Change, Streams

TAIL_EVENTS = 60
MAX_TAILS = 4_000
MAX_BYTES = 12 * 2**20
_OVERHEAD = 700


class _Tail:
    """The events after `floor`, oldest first."""

    __slots__ = ("events", "floor")

    def __init__(self, floor: int) -> None:
        self.floor = floor
        self.events: deque[StoredEvent] = deque()


class Timelines:
    """Windows on rooms' timelines."""

    def __init__(self, store: TimelineStore, streams: Streams) -> None:
        self._store = store
        self._tails: OrderedDict[str, _Tail] = OrderedDict()
        self._bytes = 0
        self._loads = 0
        streams.subscribe(self._follow)

    async def windows(self, stretches: Sequence[Stretch]) -> list[Window]:
        """As the store's, from memory where that reaches back far enough."""
        answers: list[Window | None] = [self._from_memory(stretch) for stretch in stretches]
        missing = [index for index, answer in enumerate(answers) if answer is None]
        if missing:
            self._loads += 1
            loaded = await self._store.windows([stretches[index] for index in missing])
            for index, window in zip(missing, loaded, strict=True):
                answers[index] = window
        return [answer for answer in answers if answer is not None]

    def last_position(self, room_id: str) -> int | None:
        """Of the room's last event, if that is in memory."""
        tail = self._tails.get(room_id)
        return tail.events[-1].position if tail is not None and tail.events else None

    def before(self, room_id: str, position: int) -> StoredEvent | None:
        """The last event up to `position`, if it is in memory."""
        tail = self._tails.get(room_id)
        if tail is None or position < tail.floor:
            return None
        for event in reversed(tail.events):
            if (event.position or 0) <= position:
                return event
        return None

    @property
    def figures(self) -> CacheFigures:
        return CacheFigures(len(self._tails), self._bytes, MAX_BYTES, self._loads)

    def _from_memory(self, stretch: Stretch) -> Window | None:
        tail = self._tails.get(stretch.room_id)
        if tail is None:
            return None
        found: list[StoredEvent] = []
        for event in reversed(tail.events):
            position = event.position or 0
            if position <= stretch.since:
                return Window(found[::-1], limited=False)
            if position > stretch.until:
                continue
            if len(found) == stretch.limit:
                return Window(found[::-1], limited=True)
            found.append(event)
        return Window(found[::-1], limited=False) if stretch.since >= tail.floor else None

    def _follow(self, changes: list[Change]) -> None:
        if not changes:  # positions were stepped over: no tail is known to be complete
            self._tails.clear()
            self._bytes = 0
        for change in changes:
            if change.room_id is None:
                continue
            if change.kind == "event":
                self._add(change.room_id, change.position, change.subject)
            elif change.kind == WHOLE_ROOM:
                self._drop(change.room_id)
            elif change.kind == "redacted":
                self._drop_holding(change.room_id, change.subject)
            elif change.kind == "related":
                self._mark_parent(change.room_id, change.subject)

    def _add(self, room_id: str, position: int, event: StoredEvent | None) -> None:
        if event is None:
            self._drop(room_id)
            return
        tail = self._tails.get(room_id)
        if tail is None:
            tail = self._tails[room_id] = _Tail(position - 1)
        else:
            self._tails.move_to_end(room_id)
        if not event.is_shown:
            return
        tail.events.append(event)
        self._bytes += _size(event)
        if len(tail.events) > TAIL_EVENTS:
            gone = tail.events.popleft()
            tail.floor = gone.position or 0
            self._bytes -= _size(gone)
        while self._bytes > MAX_BYTES or len(self._tails) > MAX_TAILS:
            self._drop(next(iter(self._tails)))

    def _drop(self, room_id: str) -> None:
        tail = self._tails.pop(room_id, None)
        if tail is not None:
            self._bytes -= sum(_size(event) for event in tail.events)

    def _drop_holding(self, room_id: str, num: int) -> None:
        tail = self._tails.get(room_id)
        if tail is not None and any(event.num == num for event in tail.events):
            self._drop(room_id)

    def _mark_parent(self, room_id: str, event_id: str) -> None:
        tail = self._tails.get(room_id)
        for event in tail.events if tail is not None else ():
            if event.event_id == event_id:
                event.flags |= HAS_CHILDREN


def _size(event: StoredEvent) -> int:
    return len(event.body) + len(event.links) + _OVERHEAD
