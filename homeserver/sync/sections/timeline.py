"""The newest events of each room, as far as the user may see them (client-server API, "Syncing": timeline, prev_batch, limited)."""

from collections.abc import Sequence

from homeserver.clock import Clock
from homeserver.rooms.members.departed import departure_of
from homeserver.rooms.reading.history import History, Seen
from homeserver.rooms.reading.place import Place, before_room
from homeserver.rooms.reading.serve import EventServing, raw
from homeserver.rooms.reading.timeline_store import Stretch, Window
from homeserver.rooms.reading.timelines import Timelines
from homeserver.rooms.reading.wanted import accepts
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import BEHIND_GAP, HAS_CHILDREN, OUTLIER, StoredEvent
from homeserver.sync.scope import RoomScope, SyncScope

SHARED_S = 1.0  # as long as a crowd takes to be woken
SHARED_BYTES = 4 * 2**20
OUT = ("leave", "ban")
MAX_ROUNDS = 5  # how often a window is read again, further back, to fill a filtered timeline


class RoomTimeline:
    """One room's part: the `window` read, oldest first, and what of it is `seen`."""

    __slots__ = ("limited", "prev_batch", "room", "seen", "shared", "window")

    def __init__(self, room: RoomScope, window: Window, seen: list[Seen], limit: int, *, limited: bool, has_come_in: bool) -> None:
        self.room = room
        self.shared: _Shared | None = None
        self.window = window.events
        self.seen = seen[len(seen) - limit :] if len(seen) > limit else seen
        self.limited = limited or len(seen) > limit
        self.prev_batch = Place(room.until) if seen and not self.seen else self._place_before()
        # Who comes (back) into a room may know an older part of it, to which this does not join on.
        self.limited |= has_come_in

    def _place_before(self) -> Place:
        if self.window and self.window[0].type == "m.room.create" and not self.limited:
            return before_room(self.window[0], self.room.until)
        first = self.seen[0].event if self.seen and self.limited else self.window[0] if self.window else None
        return Place(self.room.until if first is None else (first.position or 0) - 1)

    @property
    def tells_state(self) -> bool:
        """Whoever was not in the room when this membership of his ended (he declined an invite, say) is told of that alone, unless the client has
        yet to hear of how he was."""
        member = self.room.member
        return member.membership not in OUT or member.previous == "join" or self.room.closing is not None

    def is_shared_by(self, user_id: str) -> bool:
        """Whether the user is told of it as everyone else is: nobody else knows what he sent it under, or that a thread is his too."""
        return self.shared is not None and not self.shared.is_personal and user_id not in self.shared.senders

    @property
    def has_member_events(self) -> bool:
        return any(event.type == "m.room.member" and event.state_key is not None for event in self.window)


class _Shared:
    """What all who stayed in a room since the same position are told of it: read once, and encoded once for those who sent none of it."""

    __slots__ = ("encoded", "is_personal", "made_at", "seen", "senders", "weight", "window")

    def __init__(self, window: Window, seen: list[Seen], made_at: float) -> None:
        self.window = window
        self.seen = seen
        self.senders = {item.event.sender for item in seen}
        self.is_personal = any(item.event.flags & HAS_CHILDREN for item in seen)
        self.made_at = made_at
        self.weight = sum(len(event.body) for event in window.events) * 2 + 1_000
        self.encoded: bytes | None = None


class TimelineSection:
    def __init__(self, *, timelines: Timelines, history: History, states: StateReader, serving: EventServing, clock: Clock) -> None:
        self._timelines = timelines
        self._history = history
        self._states = states
        self._serving = serving
        self._clock = clock
        self._shared: dict[tuple[str, int, int, int], _Shared] = {}  # oldest first
        self._shared_bytes = 0

    async def read(self, scope: SyncScope, rooms: Sequence[RoomScope]) -> list[RoomTimeline]:
        """The rooms' timelines, in the order of the rooms."""
        limit = scope.timeline_limit
        if len(rooms) == 1 and _is_shared(scope, rooms[0]):
            return [await self._read_shared(scope, rooms[0], limit)]
        await self.note_departures(rooms)
        windows = await self._windows(rooms, max(limit, 1))
        timelines = []
        for room, window in zip(rooms, windows, strict=True):
            seen = await self._seen(scope, room, window.events)
            limited = window.limited
            if limited and len(seen) < limit and not scope.filter.room.timeline.is_trivial:
                window, seen, limited = await self._fill(scope, room, window, limit)
            timelines.append(RoomTimeline(room, window, seen, limit, limited=limited, has_come_in=room.since == 0 < scope.since))
        return timelines

    async def note_departures(self, rooms: Sequence[RoomScope]) -> None:
        """Of users who were gone before their membership last changed."""
        for room in rooms:
            member = room.member
            if member.membership not in OUT or member.previous == "join" or member.joined_position is None or room.departed is not None:
                continue
            departed = await departure_of(self._states, member)
            if departed.num == member.num:
                continue
            room.departed = departed
            if (departed.position or 0) > room.since:
                room.closing = (await self._states.events([member.num]))[member.num]

    async def _windows(self, rooms: Sequence[RoomScope], size: int) -> list[Window]:
        """What lies before a gap does not join on to what lies behind it: who reads back comes to it."""
        windows = await self._timelines.windows([Stretch(room.room_id, room.since, room.end, size) for room in rooms])
        return await self._with_ends(rooms, [_behind_gap(window) for window in windows])

    async def _with_ends(self, rooms: Sequence[RoomScope], windows: list[Window]) -> list[Window]:
        """An invite or knock that came to nothing in a room where this server is not: the event has no place in the graph, and stands last."""
        ended = {
            room.member.num: index
            for index, (room, window) in enumerate(zip(rooms, windows, strict=True))
            if room.member.membership in OUT and room.closing is None and not (window.events and window.events[-1].num == room.member.num)
        }
        if ended:
            events = await self._states.events(list(ended))
            for event in events.values():
                if event.flags & OUTLIER:
                    window = windows[ended[event.num]]
                    windows[ended[event.num]] = Window([*window.events, event], limited=window.limited)
        return windows

    async def _read_shared(self, scope: SyncScope, room: RoomScope, limit: int) -> RoomTimeline:
        """A room that many wait for: the first of them reads it."""
        self._forget_shared()
        key = (room.room_id, room.since, room.until, limit)
        shared = self._shared.get(key)
        if shared is None:
            (window,) = await self._windows([room], max(limit, 1))
            shared = _Shared(window, await self._seen(scope, room, window.events), self._clock.monotonic())
            if key not in self._shared:
                self._shared[key] = shared
                self._shared_bytes += shared.weight
        timeline = RoomTimeline(room, shared.window, shared.seen, limit, limited=shared.window.limited, has_come_in=False)
        timeline.shared = shared
        return timeline

    def _forget_shared(self) -> None:
        """What was made for a crowd that has been told, and more than there is room for."""
        past = self._clock.monotonic() - SHARED_S
        while self._shared:
            oldest = next(iter(self._shared))
            if self._shared[oldest].made_at > past and self._shared_bytes <= SHARED_BYTES:
                break
            self._shared_bytes -= self._shared.pop(oldest).weight

    async def _seen(self, scope: SyncScope, room: RoomScope, events: list[StoredEvent]) -> list[Seen]:
        wanted = scope.filter.room.timeline
        kept = events if wanted.is_trivial else [event for event in events if accepts(wanted, event)]
        if scope.ignored:
            kept = [event for event in kept if event.sender not in scope.ignored or event.state_key is not None]
        seen = await self._history.visible_to(scope.user_id, room.member, kept)
        if len(seen) < len(kept) and room.member.membership == "join":
            return await self._with_current(events[-1].current_after, kept, seen)
        if room.closing is not None and accepts(wanted, room.closing):
            seen.append(Seen(room.closing, room.member.membership))
        elif room.member.membership in OUT and not any(item.event.position == room.member.position for item in seen):
            # Whoever declines an invite sees how it ended, though nothing else of the room.
            seen.extend(Seen(event, room.member.membership) for event in kept if event.position == room.member.position)
        return seen

    async def _with_current(self, root: bytes | None, events: Sequence[StoredEvent], seen: Sequence[Seen]) -> list[Seen]:
        """Those of the events that are seen, and those that are current state: a member knows them as such, and an older one must not win over them."""
        known = {item.event.num: item for item in seen}
        for event in events:
            if root is None or event.state_key is None or event.num in known:
                continue
            current = await self._states.one(root, (event.type, event.state_key))
            if current is not None and current.num == event.num:
                known[event.num] = Seen(event, None)
        return [known[event.num] for event in events if event.num in known]

    async def _fill(self, scope: SyncScope, room: RoomScope, window: Window, limit: int) -> tuple[Window, list[Seen], bool]:
        """A filter that refuses much: read further back, in growing steps, until there is enough."""
        size, seen = max(limit, 1), list[Seen]()
        for _ in range(MAX_ROUNDS):
            size *= 4
            (window,) = await self._windows([room], size)
            seen = await self._seen(scope, room, window.events)
            if len(seen) >= limit or not window.limited or len(window.events) < size:
                break
        return window, seen, window.limited or len(seen) > limit

    async def encode(self, scope: SyncScope, timeline: RoomTimeline) -> bytes:
        """The JSON object of one room's timeline."""
        shared = timeline.shared
        if shared is None or not timeline.is_shared_by(scope.user_id):
            return await self._encode(scope, timeline)
        if shared.encoded is None:
            shared.encoded = await self._encode(scope, timeline)
        return shared.encoded

    async def _encode(self, scope: SyncScope, timeline: RoomTimeline) -> bytes:
        if scope.filter.event_format == "federation":
            events = raw(seen.event for seen in timeline.seen)
        else:
            events = await self._serving.serve(timeline.seen, scope.viewer, room_id=False)
        prev_batch = str(timeline.prev_batch).encode()
        return b'{"events":[%b],"limited":%b,"prev_batch":"%b"}' % (
            b",".join(scope.select(events)), b"true" if timeline.limited else b"false", prev_batch,
        )  # fmt: skip


def _behind_gap(window: Window) -> Window:
    for index in range(len(window.events) - 1, -1, -1):
        if window.events[index].flags & BEHIND_GAP:
            return Window(window.events[index:], limited=True)
    return window


def _is_shared(scope: SyncScope, room: RoomScope) -> bool:
    """Whether the room's timeline is the same for everyone who asks like this. A later change of it comes with a later position."""
    wanted = scope.filter
    plain = wanted.room.timeline.is_trivial and wanted.event_fields is None and wanted.event_format == "client" and not scope.ignored
    return plain and room.member.membership == "join" and 0 < (room.member.joined_position or 0) <= room.since
