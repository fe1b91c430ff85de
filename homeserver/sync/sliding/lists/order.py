"""Users' joined rooms by their last event (MSC4186, "Activity ordering"): kept while they are used, brought forward by what the feed tells of."""

from collections import OrderedDict
from collections.abc import Iterator
from heapq import merge

from homeserver.figures import CacheFigures
from homeserver.rooms.reading.timelines import Timelines
from homeserver.streams import Streams
from homeserver.sync.feed import Feed
from homeserver.sync.sliding.store import RoomListStore

MAX_ROOMS = 300_000  # over all users


class RoomOrder:
    """One user's rooms."""

    __slots__ = ("last", "until")

    def __init__(self) -> None:
        self.last: OrderedDict[str, int] = OrderedDict()  # room → position of its last event, oldest first
        self.until = 0  # nothing up to there is missing

    def put(self, positions: dict[str, int], feed: Feed) -> None:
        """Rooms whose last event may be a later one now."""
        moved = sorted(
            (position, room_id) for room_id, position in positions.items() if room_id in feed.joined and self.last.get(room_id) != position
        )
        is_latest = not self.last or not moved or moved[0][0] >= next(reversed(self.last.values()))
        for position, room_id in moved:
            self.last[room_id] = position
            self.last.move_to_end(room_id)
        if not is_latest:
            self.last = OrderedDict(sorted(self.last.items(), key=lambda item: item[1]))
        if len(self.last) > len(feed.joined):
            for room_id in self.last.keys() - feed.joined.keys():
                del self.last[room_id]

    def latest_first(self, others: dict[str, int]) -> Iterator[str]:
        """The rooms, and `others` by their positions among them."""
        if not others:
            return reversed(self.last)
        own = ((-position, room_id) for room_id, position in reversed(self.last.items()))
        theirs = sorted((-position, room_id) for room_id, position in others.items())
        return (room_id for _, room_id in merge(own, theirs))


class RoomOrders:
    def __init__(self, *, store: RoomListStore, timelines: Timelines, streams: Streams) -> None:
        self._store = store
        self._timelines = timelines
        self._streams = streams
        self._orders: OrderedDict[str, RoomOrder] = OrderedDict()
        self._size = 0
        self._loads = 0

    async def of(self, feed: Feed) -> RoomOrder:
        """As of now, of a feed that follows the stream."""
        order = self._orders.get(feed.user_id)
        if order is None:
            order = self._orders[feed.user_id] = RoomOrder()
        self._orders.move_to_end(feed.user_id)
        size = len(order.last)
        while order.until < self._streams.position:
            await self._bring_forward(order, feed)
        self._size += len(order.last) - size
        while self._size > MAX_ROOMS and len(self._orders) > 1:
            _, oldest = self._orders.popitem(last=False)
            self._size -= len(oldest.last)
        return order

    @property
    def figures(self) -> CacheFigures:
        return CacheFigures(len(self._orders), self._size, MAX_ROOMS, self._loads)

    async def _bring_forward(self, order: RoomOrder, feed: Feed) -> None:
        until = self._streams.position
        changed = feed.changed_rooms(order.until)
        found = {room_id: last for room_id in changed if (last := self._timelines.last_position(room_id)) is not None}
        if len(found) < len(changed):
            self._loads += 1
            found.update(await self._store.last_events([room_id for room_id in changed if room_id not in found]))
        order.put(found, feed)
        order.until = max(order.until, until)
