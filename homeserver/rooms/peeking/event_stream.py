"""The events of a user's rooms, or of one room he looks into, as they come (client-server API, "GET /events", "Room Previews")."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from twisted.internet.defer import Deferred

from homeserver.clock import Clock
from homeserver.rooms.member_store import MemberStore
from homeserver.rooms.peeking.arrivals import Arrivals
from homeserver.rooms.reading.history import History, Seen
from homeserver.rooms.reading.paging_store import Ignoring, PagingStore
from homeserver.rooms.store import StoredEvent
from homeserver.streams import Streams

MAX_EVENTS = 100
MAX_TIMEOUT_MS = 180_000


class Arrived(NamedTuple):
    """`end`: the position read up to."""

    seen: list[Seen]
    end: int


class EventStream:
    def __init__(
        self,
        *,
        store: PagingStore,
        members: MemberStore,
        history: History,
        ignoring: Ignoring,
        arrivals: Arrivals,
        streams: Streams,
        clock: Clock,
    ) -> None:
        self._store = store
        self._members = members
        self._history = history
        self._ignoring = ignoring
        self._arrivals = arrivals
        self._streams = streams
        self._clock = clock

    async def after(
        self, user_id: str, since: int, timeout_ms: int, recheck: Callable[[], Awaitable[None]], room_id: str | None = None
    ) -> Arrived:
        """What came after the position, waited for until the timeout. M_FORBIDDEN for a room the user may not look into.

        `recheck` raises if the user, who waits, is no longer let in.
        """
        if room_id is not None:
            await self._history.may_read(user_id, room_id)
        deadline = self._clock.monotonic() + min(timeout_ms, MAX_TIMEOUT_MS) / 1000
        while True:
            rooms = [room_id] if room_id is not None else await self._members.joined_rooms(user_id)
            arrival = self._arrivals.wait([*rooms, user_id])
            try:
                await recheck()
                arrived = await self._read(user_id, rooms, since)
                left = deadline - self._clock.monotonic()
                if arrived.seen or left <= 0:
                    return arrived
                since = arrived.end
                if since >= self._streams.position:
                    timer = self._clock.call_later(left, _end, arrival)
                    try:
                        await arrival
                    finally:
                        if timer.active():
                            timer.cancel()
            finally:
                self._arrivals.give_up(arrival)

    async def _read(self, user_id: str, rooms: Sequence[str], since: int) -> Arrived:
        until = self._streams.position
        if since >= until or not rooms:
            return Arrived([], max(since, until))
        events = await self._store.arrived(rooms, since, until, MAX_EVENTS)
        if len(events) == MAX_EVENTS:
            until = events[-1].position or until
        ignored = await self._ignoring.ignored(user_id)
        of_rooms: dict[str, list[StoredEvent]] = {}
        for event in events:
            if event.sender not in ignored or event.state_key is not None:
                of_rooms.setdefault(event.room_id, []).append(event)
        seen: list[Seen] = []
        for room_id, arrived in of_rooms.items():
            seen.extend(await self._history.visible(user_id, room_id, arrived))
        return Arrived(sorted(seen, key=lambda item: item.event.position or 0), until)


def _end(arrival: Deferred[None]) -> None:
    if not arrival.called:
        arrival.callback(None)
