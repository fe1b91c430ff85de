"""What a user who syncs has to be told of: kept current by the stream, so that an increment touches only rooms where something happened.

A feed is loaded at a user's first sync and lives while it is used. It knows the user's memberships and, in order of the last change, the rooms joined.
"""

from collections import OrderedDict
from collections.abc import Iterable
from itertools import islice

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from homeserver.clock import Clock
from homeserver.encryption.store import KEYS_CHANGE, KeysChange
from homeserver.ephemeral.sequence import Ephemera, EphemeralChange
from homeserver.figures import CacheFigures
from homeserver.rooms.member_store import FORGOTTEN, MemberStore
from homeserver.rooms.partial.store import WHOLE_ROOM
from homeserver.rooms.reading.timeline_store import TimelineStore
from homeserver.rooms.store import MemberRecord, StoredEvent
from homeserver.streams import Change, Streams
from homeserver.sync.deadlines import Waiter

MAX_FEEDS = 5_000
MAX_ROOMS = 300_000  # over all feeds
WOKEN_AT_ONCE = 25
_ROOM_KINDS = frozenset({"event", "receipt", "redacted", "related", WHOLE_ROOM})


class Feed:
    """One user's view of the stream."""

    __slots__ = (
        "changes",
        "is_current",
        "joined",
        "keys",
        "keys_at",
        "left_at",
        "pending",
        "special",
        "touched",
        "typing",
        "typing_since",
        "user_id",
        "waiters",
    )

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self.is_current = True  # it follows the stream
        self.joined: dict[str, MemberRecord] = {}
        self.pending: dict[str, MemberRecord] = {}  # invited or knocking
        self.left_at = 0  # position where a room may last have been left: a reader further back asks the store which
        self.changes: OrderedDict[str, int] = OrderedDict()  # joined room → position of its last change, oldest change first
        self.typing: OrderedDict[str, int] = OrderedDict()  # joined room → ephemeral counter of its last change of typing
        self.typing_since = 0  # ephemeral counter from which on `typing` is complete
        self.touched = 0  # position of the last change of any kind that concerns the user
        self.special = 0  # position of the last one that is more than a message in a room
        self.keys: dict[str, bytes] = {}  # of the user's devices, what a crowd's answer says of their keys, as of the special change at
        self.keys_at = 0
        self.waiters: list[Waiter] = []

    def changed_rooms(self, since: int) -> list[str]:
        """Joined rooms with a change after `since`, the latest change first."""
        found = []
        for room_id in reversed(self.changes):
            if self.changes[room_id] <= since:
                break
            found.append(room_id)
        return found

    def only_change(self, since: int) -> str | None:
        """The one joined room with a change after `since`, if it is one."""
        latest = reversed(self.changes)
        found, other = next(latest, None), next(latest, None)
        if found is None or self.changes[found] <= since or (other is not None and self.changes[other] > since):
            return None
        return found

    def typing_rooms(self, counter: int) -> list[str]:
        """Joined rooms where somebody began or ceased to type after the counter."""
        found = []
        for room_id in reversed(self.typing):
            if self.typing[room_id] <= counter:
                break
            found.append(room_id)
        return found

    def touch(self, room_id: str, position: int, *, is_message: bool = False) -> None:
        if room_id in self.joined:
            self.changes[room_id] = position
            self.changes.move_to_end(room_id)
        self.touched = position
        if not is_message:
            self.special = position

    def touch_all(self, position: int) -> None:
        """Something that belongs to no room, or to none of the joined ones."""
        self.touched = self.special = position

    def enter(self, record: MemberRecord) -> None:
        """Take up a membership of the user."""
        room_id = record.room_id
        self.touched = self.special = max(self.touched, record.position)
        self.pending.pop(room_id, None)
        if record.membership == "join":
            self.joined[room_id] = record
            self.changes[room_id] = record.position
            self.changes.move_to_end(room_id)
            return
        self.joined.pop(room_id, None)
        self.changes.pop(room_id, None)
        self.typing.pop(room_id, None)
        if record.membership in ("invite", "knock"):
            self.pending[room_id] = record
        else:
            self.left_at = record.position

    @property
    def size(self) -> int:
        return len(self.joined) + len(self.pending)

    def wake(self) -> None:
        waiting, self.waiters = self.waiters, []
        for waiter in waiting:
            if not waiter.called:
                waiter.callback(None)

    def wait(self) -> Deferred[None]:
        """Fires at the next change; give it up when there is nothing to wait for any more."""
        waiter: Deferred[None] = Deferred()
        self.waiters.append(waiter)
        return waiter

    def expect(self, waiter: Waiter) -> None:
        """As `wait`, for who is no Deferred."""
        self.waiters.append(waiter)

    def give_up(self, waiter: Waiter) -> None:
        if waiter in self.waiters:
            self.waiters.remove(waiter)


class Feeds:
    """The feeds in use, and who is in which room among them."""

    _log = Logger()

    def __init__(self, *, members: MemberStore, timelines: TimelineStore, streams: Streams, ephemera: Ephemera, clock: Clock) -> None:
        self._members = members
        self._timelines = timelines
        self._streams = streams
        self._ephemera = ephemera
        self._clock = clock
        self._due: dict[Feed, None] = {}  # an ordered set
        self._feeds: OrderedDict[str, Feed] = OrderedDict()
        self._in_room: dict[str, set[Feed]] = {}
        self._size = 0
        self._loads = 0
        streams.subscribe_last(self._follow)
        ephemera.subscribe(self._follow_ephemeral)

    async def of(self, user_id: str) -> Feed:
        """The user's feed, loaded at first use."""
        feed = self._feeds.get(user_id)
        if feed is not None:
            self._feeds.move_to_end(user_id)
            return feed
        return await self._load(user_id)

    @property
    def figures(self) -> CacheFigures:
        return CacheFigures(len(self._feeds), self._size, MAX_ROOMS, self._loads)

    @property
    def waiting(self) -> int:
        """How many syncs wait for something to happen."""
        return sum(len(feed.waiters) for feed in self._feeds.values())

    async def _load(self, user_id: str) -> Feed:
        self._loads += 1
        feed = Feed(user_id)
        while True:
            start = self._streams.position
            records = await self._members.memberships_of(user_id, ("join", "invite", "knock"))
            last = await self._timelines.last_changes([record.room_id for record in records if record.membership == "join"])
            missed = self._streams.recent(start)
            if missed is not None:
                break
        if user_id in self._feeds:
            return self._feeds[user_id]
        feed.left_at = feed.touched = feed.special = start
        feed.typing_since = self._ephemera.counter
        for record in records:
            feed.enter(record)
        feed.changes = OrderedDict(sorted(((room, last.get(room, 0)) for room in feed.joined), key=lambda pair: pair[1]))
        self._keep(feed)
        self._apply(missed, only=feed)
        return feed

    def _keep(self, feed: Feed) -> None:
        self._feeds[feed.user_id] = feed
        self._size += feed.size
        for room_id in feed.joined:
            self._in_room.setdefault(room_id, set()).add(feed)
        while len(self._feeds) > MAX_FEEDS or self._size > MAX_ROOMS:
            idle = next((old for old in self._feeds.values() if not old.waiters and old is not feed), None)
            if idle is None:
                break
            self._drop(idle)

    def _drop(self, feed: Feed) -> None:
        """It follows the stream no more; the next sync loads it anew."""
        del self._feeds[feed.user_id]
        feed.is_current = False
        self._size -= feed.size
        for room_id in feed.joined:
            self._leave(room_id, feed)

    def _leave(self, room_id: str, feed: Feed) -> None:
        feeds = self._in_room.get(room_id)
        if feeds is not None:
            feeds.discard(feed)
            if not feeds:
                del self._in_room[room_id]

    def _follow(self, changes: list[Change]) -> None:
        self._wake(self._apply(changes) if changes else self._start_over())

    def _start_over(self) -> list[Feed]:
        """Positions were stepped over: who waits looks again, with a feed loaded anew."""
        old = list(self._feeds.values())
        for feed in old:
            self._drop(feed)
        return old

    def _apply(self, changes: Iterable[Change], only: Feed | None = None) -> set[Feed]:
        """Bring the feeds (or one of them) up to date; those that changed."""
        touched: set[Feed] = set()
        for change in changes:
            room_id = change.room_id
            if room_id is not None and change.kind in _ROOM_KINDS:
                is_message = _is_message(change)
                for feed in self._in_room.get(room_id, ()) if only is None else (only,):
                    if feed is not only or room_id in feed.joined:
                        feed.touch(room_id, change.position, is_message=is_message)
                        touched.add(feed)
            if change.kind == KEYS_CHANGE:
                for feed in self._observers(change) if only is None else (only,):
                    feed.touch_all(change.position)
                    touched.add(feed)
            if change.user_id is not None:
                feed_of = self._feeds.get(change.user_id)
                if feed_of is not None and (only is None or only is feed_of):
                    self._apply_own(feed_of, change)
                    touched.add(feed_of)
        return touched

    def _observers(self, change: Change) -> Iterable[Feed]:
        """Who has to hear that a user's keys changed: those in the user's rooms, or one observer alone."""
        if not isinstance(change.subject, KeysChange):
            return list(self._feeds.values())
        observer, room_ids = change.subject.observer, change.subject.room_ids
        if observer:
            return [self._feeds[observer]] if observer in self._feeds else []
        return {feed for room_id in room_ids for feed in self._in_room.get(room_id, ())}

    def _apply_own(self, feed: Feed, change: Change) -> None:
        room_id = change.room_id
        if change.kind == "event" and room_id is not None:
            if change.subject is None:  # another process changed the user's memberships
                self._drop(feed)
                return
            was_joined, size = room_id in feed.joined, feed.size
            record = _record(change.subject, feed.joined.get(room_id) or feed.pending.get(room_id))
            if not was_joined and record.membership == "join":
                self._in_room.setdefault(room_id, set()).add(feed)
            feed.enter(record)
            self._size += feed.size - size
            if was_joined and record.membership != "join":
                self._leave(room_id, feed)
        elif room_id is None:
            feed.touch_all(change.position)
        elif change.kind != FORGOTTEN:
            feed.touch(room_id, change.position)

    def _follow_ephemeral(self, change: EphemeralChange) -> None:
        if change.kind == "typing" and change.room_id is not None:
            for feed in self._in_room.get(change.room_id, ()):
                feed.typing[change.room_id] = change.counter
                feed.typing.move_to_end(change.room_id)
            self._wake(self._in_room.get(change.room_id, ()))
        elif change.kind == "presence" and change.user_id is not None:
            self._wake_acquainted(change.user_id)

    def _wake_acquainted(self, user_id: str) -> None:
        """Presence concerns whoever waits and shares a room with the user, who need not sync himself."""
        of_user = self._feeds.get(user_id)
        if of_user is not None:
            self._wake_rooms(of_user.joined)
        elif self._feeds:
            finding = Deferred.fromCoroutine(self._members.joined_rooms(user_id))
            finding.addCallbacks(self._wake_rooms, lambda failure: self._log.failure("those who know a user were not woken", failure))

    def _wake_rooms(self, room_ids: Iterable[str]) -> None:
        woken: dict[Feed, None] = {}
        for room_id in room_ids:
            woken.update(dict.fromkeys(feed for feed in self._in_room.get(room_id, ()) if feed.waiters))
        self._wake(woken)

    def _wake(self, feeds: Iterable[Feed]) -> None:
        """A few at a time, so that a room with many waiters does not hold up everyone else."""
        waiting = [feed for feed in feeds if feed.waiters]
        if not waiting:
            return
        if not self._due:
            self._clock.call_later(0, self._wake_some)
        self._due.update(dict.fromkeys(waiting))

    def _wake_some(self) -> None:
        try:
            for feed in list(islice(self._due, WOKEN_AT_ONCE)):
                del self._due[feed]
                feed.wake()
        finally:  # whatever becomes of one, the others are not forgotten
            if self._due:
                self._clock.call_later(0, self._wake_some)


def _is_message(change: Change) -> bool:
    """Whether it adds to a timeline and changes nothing else; that an older event now has relations is no news to who is told of them."""
    if change.kind == "related":
        return True
    event = change.subject
    return change.kind == "event" and isinstance(event, StoredEvent) and event.state_key is None and event.type != "m.room.redaction"


def _record(event: StoredEvent, before: MemberRecord | None) -> MemberRecord:
    """The membership a committed event makes. An earlier join that `before` does not tell of is left out: only the store knows it."""
    content = event.content
    membership = content.get("membership", "leave")
    position = event.position or 0
    joined = None if before is None else before.joined_position
    if membership == "join" and (before is None or before.membership != "join"):
        joined = position
    return MemberRecord(
        room_id=event.room_id,
        user_id=event.state_key or "",
        membership=membership,
        previous=None if before is None else before.membership,
        num=event.num,
        position=position,
        joined_position=joined,
        sender=event.sender,
        forgotten=False,
        displayname=content.get("displayname"),
        avatar_url=content.get("avatar_url"),
        stripped=None,
    )
