"""A server that was behind is told what it lacks: the rooms of the latest events first.

Of a room with few events of ours since then all, in order, so that it misses none and need not ask for any; of one with many the newest alone, from which it
asks for those between as far as it wants them. Then the users whose keys changed, and then it joins in again, without a gap.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from federation.outbound.audience import is_ours_to_tell, member_server, sender_server
from federation.outbound.destination import Destination, Mark
from federation.outbound.key_news import KeyNews
from federation.outbound.servers import RoomServers
from federation.outbound.store import OutboundStore
from federation.outbound.transaction import MOST_EDUS, MOST_PDUS, Item
from homeserver.encryption.store import KEYS_CHANGE
from homeserver.rooms.store import StoredEvent
from homeserver.streams import Streams

MOST_OF_A_ROOM: Final = 200  # events told one by one
MOST_SINCE_IT_LEFT: Final = 2_000  # events among which is the one by which it did
T = TypeVar("T")


class CatchUp:
    def __init__(
        self,
        store: OutboundStore,
        rooms: RoomServers,
        news: KeyNews,
        streams: Streams,
        mark: Mark,
        is_local: Callable[[str], bool],
        suffix: str,
    ) -> None:
        self._store = store
        self._rooms = rooms
        self._news = news
        self._streams = streams
        self._mark = mark
        self._is_local = is_local
        self._suffix = suffix

    async def __call__(self, destination: Destination) -> bool:
        """False: it was not taken; the rest is told later."""
        until = self._mark.done
        owed = dict(destination.owed or {})
        for room_id, _ in await self._store.newest(owed, until):
            events = await self._events(destination.name, room_id, owed[room_id], until)
            for some in _parts(events, MOST_PDUS):
                if not await destination.transmit([Item(event.position or 0, event) for event in some]):
                    return False
            destination.paid(room_id, until)
        for edus in _parts(await self._keys(destination, until), MOST_EDUS):
            if not await destination.transmit([Item(until, None, edu) for edu in edus]):
                return False
        destination.told_keys(until)
        items = self._since(destination, until)
        if items is not None:
            destination.rejoin(items)
        else:  # the stream went on too far meanwhile
            for room_id in owed:
                destination.paid(room_id, until)
        return True

    async def _events(self, name: str, room_id: str, after: int, until: int) -> Sequence[StoredEvent]:
        """Of a room it is no longer in, what concerns its own members."""
        if name in (await self._rooms.get(room_id)).names:
            events = await self._store.owed(room_id, after, until, MOST_OF_A_ROOM)
            return [event for event in events if sender_server(event) != name]
        events = await self._store.owed(room_id, after, until, MOST_SINCE_IT_LEFT)
        return [event for event in events if member_server(event) == name]

    async def _keys(self, destination: Destination, until: int) -> Sequence[bytes]:
        if destination.since >= until:
            return ()
        return await self._news.owed(destination.name, await self._store.keys_changed(destination.since, until))

    def _since(self, destination: Destination, until: int) -> list[Item] | None:
        """What was handed out to the others after `until`; None: memory does not say."""
        changes = self._streams.recent(until)
        items: list[Item] = []
        for change in changes or ():
            if change.position > self._mark.done:
                break
            if change.kind == KEYS_CHANGE and change.user_id is not None and self._is_local(change.user_id):
                return None
            if change.kind != "event":
                continue
            event = change.subject
            if not isinstance(event, StoredEvent):
                if change.user_id is not None:
                    continue  # a membership that changed by an earlier event
                return None
            if is_ours_to_tell(event, self._suffix) and self._concerns(destination, event):
                items.append(Item(change.position, event))
        return None if changes is None else items

    def _concerns(self, destination: Destination, event: StoredEvent) -> bool:
        if sender_server(event) == destination.name:
            return False
        room = self._rooms.peek(event.room_id)
        in_room = destination.owed is not None and event.room_id in destination.owed and (room is None or destination.name in room.names)
        return in_room or member_server(event) == destination.name


def _parts(things: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(things), size):
        yield things[start : start + size]
