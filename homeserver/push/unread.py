"""Unread and highlight counts, per room and per thread: derived from positions, never written per recipient.

Client-server API, "Receiving notifications", "Threading". A count begins after the user's read receipt, after the last message of his own in that
thread, or where he came in. The newest counts of a user in a room are kept and brought forward with the events that follow, so that a sync that reads
on asks no database.

Who has push rules of his own counts in the same way: a room is quiet or not by his present rules, and where they said of an event what does not follow
from that, a verdict was kept with it (`listeners`).
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

from homeserver.ephemeral.receipts import Receipts
from homeserver.ephemeral.room_receipts import RoomReceipts
from homeserver.ephemeral.store import READ, READ_PRIVATE, UNTHREADED
from homeserver.figures import CacheFigures
from homeserver.push.rules import PushRules, is_about_rules
from homeserver.push.store import Unread, UnreadQuestion, UnreadStore
from homeserver.rooms.notice import notice_of_stored
from homeserver.rooms.partial.store import WHOLE_ROOM
from homeserver.rooms.reading.timeline_store import Stretch
from homeserver.rooms.reading.timelines import TAIL_EVENTS, Timelines
from homeserver.rooms.store import REDACTED, MemberRecord, StoredEvent
from homeserver.streams import Change, Streams

MAX_REMEMBERED = 20_000  # user-and-room pairs


Counts = dict[str | None, list[int]]  # thread (None: main) → [notifications, highlights]


class Place(Protocol):
    """A room, and up to where."""

    @property
    def room_id(self) -> str: ...

    @property
    def member(self) -> MemberRecord: ...

    @property
    def until(self) -> int: ...


class _Remembered:
    """`counts` None: they are being read. `own`: by rules of the user's own, to which the room is `quiet` or not."""

    __slots__ = ("counts", "own", "quiet", "until")

    def __init__(self, until: int) -> None:
        self.counts: Counts | None = None
        self.until = until
        self.own = self.quiet = False


class UnreadCounts:
    def __init__(self, *, store: UnreadStore, rules: PushRules, receipts: Receipts, timelines: Timelines, streams: Streams) -> None:
        self._store = store
        self._rules = rules
        self._receipts = receipts
        self._timelines = timelines
        self._remembered: OrderedDict[tuple[str, str], _Remembered] = OrderedDict()
        self._in_room: dict[str, set[str]] = {}
        self._loads = 0
        streams.subscribe(self._follow)

    async def counts(self, user_id: str, rooms: Sequence[Place]) -> list[Counts]:
        """The rooms' counts at `until`."""
        found: list[Counts | None] = [await self._from_memory(user_id, room) for room in rooms]
        missing = [index for index, counts in enumerate(found) if counts is None]
        if missing:
            self._loads += 1
            loaded = await self._load(user_id, [rooms[index] for index in missing])
            for index, counts in zip(missing, loaded, strict=True):
                found[index] = counts
        return [counts for counts in found if counts is not None]

    def at_hand(self, user_id: str, room_id: str, since: int, until: int, events: Sequence[StoredEvent]) -> Counts | None:
        """The counts at `until` as far as memory knows them, given what came after `since`."""
        held = self._remembered.get((user_id, room_id))
        if held is None or held.counts is None or not since <= held.until <= until:
            return None
        fresh = events if held.until == since else [event for event in events if (event.position or 0) > held.until]
        for event in fresh:
            if not _bring_forward(held.counts, held, user_id, event):
                self._forget(user_id, room_id)
                return None
        held.until = until
        return held.counts

    async def may_have_fallen(self, user_id: str, room: Place, since: int, window: Sequence[StoredEvent]) -> bool:
        """Whether less may be unread than at `since`, by a receipt or a redaction that the client's filter hides."""
        if any(event.type == "m.room.redaction" for event in window):
            return True
        return (await self._receipts.room(room.room_id)).has_read(user_id, since, room.until)

    async def unread_rooms(self, user_id: str, rooms: Sequence[Place]) -> set[str]:
        """Those where something is unread, or would be if the room were not quiet."""
        receipts = await self._receipts.rooms([room.room_id for room in rooms])
        questions = [_question(user_id, room, receipts[room.room_id], quiet=False) for room in rooms]
        found = await self._store.unread(questions)
        return {room.room_id for room, events in zip(rooms, found, strict=True) if events}

    @property
    def figures(self) -> CacheFigures:
        return CacheFigures(len(self._remembered), len(self._remembered), MAX_REMEMBERED, self._loads)

    async def _load(self, user_id: str, rooms: Sequence[Place]) -> list[Counts]:
        begun = [self._begin(user_id, room) for room in rooms]
        if await self._rules.has_own(user_id):
            rules = await self._rules.compiled(user_id)
            for room, held in zip(rooms, begun, strict=True):
                held.own, held.quiet = True, rules.is_quiet(room.room_id)
        if len(rooms) == 1:
            receipts = {rooms[0].room_id: await self._receipts.room(rooms[0].room_id)}
        else:
            receipts = await self._receipts.rooms([room.room_id for room in rooms])
        questions = [_question(user_id, room, receipts[room.room_id], quiet=held.quiet) for room, held in zip(rooms, begun, strict=True)]
        events = await self._store.unread(questions)
        loaded = []
        for room, held, question, found in zip(rooms, begun, questions, events, strict=True):
            # Kept if nothing came meanwhile that it may not know of: else `held` was forgotten.
            held.counts = _count(user_id, receipts[room.room_id], question, found)
            loaded.append(held.counts)
        return loaded

    async def _from_memory(self, user_id: str, room: Place) -> Counts | None:
        key = (user_id, room.room_id)
        held = self._remembered.get(key)
        if held is None or held.counts is None or held.until > room.until:
            return None
        self._remembered.move_to_end(key)
        if held.until < room.until:
            since = held.until
            (window,) = await self._timelines.windows([Stretch(room.room_id, since, room.until, TAIL_EVENTS)])
            if self._remembered.get(key) is not held or held.until != since:  # changed meanwhile
                return None
            if window.limited or not all(_bring_forward(held.counts, held, user_id, event) for event in window.events):
                self._forget(user_id, room.room_id)
                return None
            held.until = room.until
        return held.counts

    def _begin(self, user_id: str, room: Place) -> _Remembered:
        held = self._remembered[user_id, room.room_id] = _Remembered(room.until)
        self._in_room.setdefault(room.room_id, set()).add(user_id)
        while len(self._remembered) > MAX_REMEMBERED:
            self._forget(*next(iter(self._remembered)))
        return held

    def _forget(self, user_id: str, room_id: str) -> None:
        if self._remembered.pop((user_id, room_id), None) is not None:
            users = self._in_room[room_id]
            users.discard(user_id)
            if not users:
                del self._in_room[room_id]

    def _forget_user(self, user_id: str) -> None:
        for room_id in [room_id for room_id, users in self._in_room.items() if user_id in users]:
            self._forget(user_id, room_id)

    def _follow(self, changes: list[Change]) -> None:
        if not changes:  # positions were stepped over
            self._remembered.clear()
            self._in_room.clear()
        for change in changes:
            if change.room_id is None:
                if change.user_id is not None and is_about_rules(change):
                    self._forget_user(change.user_id)
                continue
            if change.kind in ("redacted", WHOLE_ROOM):  # then messages fell
                for user_id in self._in_room.pop(change.room_id, set()):
                    self._remembered.pop((user_id, change.room_id), None)
            elif change.user_id is not None and change.kind in ("receipt", "private_receipt", "event"):
                self._forget(change.user_id, change.room_id)


def _bring_forward(counts: Counts, held: _Remembered, user_id: str, event: StoredEvent) -> bool:
    """Count a new event; False when only the store knows what it says to the user."""
    if event.sender == user_id:
        if event.notifies:
            counts.pop(event.thread, None)
        return True
    if event.flags & REDACTED:
        return True
    if held.own and event.verdicts is None:
        return False
    said = event.verdicts.get(user_id) if held.own and event.verdicts else None
    if said is None:
        notice = notice_of_stored(event)
        if notice.room:
            return False
        highlight = user_id in notice.mentions
        notifies = highlight or (bool(event.notifies) and not held.quiet)
    else:
        notifies, highlight = said
    if notifies:
        count = counts.setdefault(event.thread, [0, 0])
        count[0] += 1
        count[1] += highlight
    return True


def _question(user_id: str, room: Place, receipts: RoomReceipts, *, quiet: bool) -> UnreadQuestion:
    """Unthreaded receipts count for all threads, one of the main timeline for that alone."""
    start = room.member.joined_position or room.until
    unthreaded = [
        receipt.event_position for kind in (READ, READ_PRIVATE) if (receipt := receipts.latest(user_id, kind, UNTHREADED)) is not None
    ]
    main = receipts.read_position(user_id, None)
    return UnreadQuestion(user_id, room.room_id, max(start, main or 0), max([start, *unthreaded]), room.until, quiet)


def _count(user_id: str, receipts: RoomReceipts, question: UnreadQuestion, events: Sequence[Unread]) -> Counts:
    counts: Counts = {}
    read: dict[str | None, int] = {None: question.main}
    for event in events:
        if event.is_own:
            counts.pop(event.thread, None)
            continue
        start = read.get(event.thread)
        if start is None:
            start = read[event.thread] = max(question.threads, receipts.read_position(user_id, event.thread) or 0)
        if event.position > start:
            count = counts.setdefault(event.thread, [0, 0])
            count[0] += 1
            count[1] += event.highlight
    return counts
