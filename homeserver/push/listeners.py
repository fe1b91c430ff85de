"""The members of a room whose push rules are not the default ones. Fills `rooms.notice.PersonalRules`.

What the default rules say is said once for all members, and nobody's unread counts are written. Only who has rules of his own is asked about, and of him
only what is not said already is kept with the event. Whom to ask is known for each room in use, and follows the stream.
"""

from collections import deque
from types import MappingProxyType
from typing import Final

from homeserver.clock import Clock
from homeserver.figures import CacheFigures
from homeserver.protocol.push.conditions import Occasion
from homeserver.protocol.push.rules import ORDINARY_TYPES, RoomRules, Verdict, of_room, verdict
from homeserver.push.occasion import occasion_of
from homeserver.push.rules import PushRules, compile_stored, is_about_rules
from homeserver.push.store import ListenerStore
from homeserver.rooms.append import Identity
from homeserver.rooms.head import RoomHead, RoomHeads
from homeserver.rooms.notice import Notice
from homeserver.rooms.store import EventCommit, Verdicts
from homeserver.stream_cache import StreamCache
from homeserver.streams import Change, Streams

MAX_RULES = 50_000  # in all rooms in memory
REMEMBERED_CHANGES = 20  # of rules; a room further behind is asked about anew
MAX_ARRIVING = 10_000  # rooms
AT_ONCE = 20  # users whose rules are compiled before the loop gets its turn
NOTHING: Final[Verdicts] = MappingProxyType({})


class _Listeners:
    """Those of one room. Of the `unsure` it is found out at the next event whether they belong here."""

    __slots__ = ("rules", "seen", "unsure", "weight")

    def __init__(self, rules: dict[str, RoomRules], seen: int) -> None:
        self.rules = rules
        self.unsure: set[str] = set()
        self.seen = seen  # changes of rules
        self.weight = 1 + sum(map(_weigh, rules.values()))

    def put(self, user_id: str, own: RoomRules) -> None:
        self.remove(user_id)
        self.rules[user_id] = own
        self.weight += _weigh(own)

    def remove(self, user_id: str) -> None:
        own = self.rules.pop(user_id, None)
        if own is not None:
            self.weight -= _weigh(own)


class RoomListeners:
    def __init__(
        self, *, identity: Identity, rules: PushRules, store: ListenerStore, heads: RoomHeads, streams: Streams, clock: Clock
    ) -> None:
        self._identity = identity
        self._rules = rules
        self._store = store
        self._heads = heads
        self._clock = clock
        self._rooms: StreamCache[_Listeners] = StreamCache(self._load, self._apply, lambda room: room.weight, MAX_RULES)
        self._arriving: dict[str, set[str]] = {}  # room → local users whose join is being stored
        self._changes = 0
        self._changed: deque[str] = deque(maxlen=REMEMBERED_CHANGES)  # the users whose rules changed last
        streams.subscribe(self._follow)

    async def verdicts(self, head: RoomHead, commit: EventCommit, notice: Notice) -> Verdicts:
        """See `PersonalRules`."""
        room = self._rooms.peek(head.room_id)
        if room is None or room.unsure or room.seen != self._changes:
            room = await self._current(head)
        said = await self._judge(head, room, commit, notice) if room.rules else NOTHING
        member = commit.member
        if member is not None and member.is_local and member.membership == "join":
            room.unsure.add(member.user_id)
            self._arriving.setdefault(head.room_id, set()).add(member.user_id)
            if len(self._arriving) > MAX_ARRIVING:  # some joins were lost
                del self._arriving[next(iter(self._arriving))]
        return said

    @property
    def figures(self) -> CacheFigures:
        return self._rooms.figures

    async def _judge(self, head: RoomHead, room: _Listeners, commit: EventCommit, notice: Notice) -> Verdicts:
        event = commit.event
        ordinary = event.state_key is None and event.type in ORDINARY_TYPES
        calls = bool(notice.room or notice.mentions)
        occasion: Occasion | None = None
        called = frozenset(commit.highlights)
        said: dict[str, tuple[bool, bool]] = {}
        for user_id, own in room.rules.items():
            if user_id == event.sender or (ordinary and not (own.on_messages or (calls and own.on_calls))):
                continue
            occasion = occasion or occasion_of(event, head.joined_count + commit.joined_delta, head.levels)
            name = await self._display_name(head, user_id) if own.names_reader else None
            found = verdict(own.ordinary[event.type] if ordinary else own.rules, occasion, name)
            if found != expected(own.quiet, bool(event.notifies), commit.highlight_members or user_id in called):
                said[user_id] = (found.notify, found.highlight)
        return said or NOTHING

    async def _display_name(self, head: RoomHead, user_id: str) -> str | None:
        address = ("m.room.member", user_id)
        await self._heads.learn(head, [address])
        member = head.get(address)
        name = None if member is None else member.content.get("displayname")
        return name if isinstance(name, str) else None

    async def _current(self, head: RoomHead) -> _Listeners:
        """The room's listeners as the head stands."""
        room = await self._rooms.get(head.room_id)
        behind = self._changes - room.seen
        if behind > len(self._changed):
            self._rooms.drop(head.room_id)
            room = await self._rooms.get(head.room_id)
            behind = self._changes - room.seen
        if behind:
            room.unsure.update(list(self._changed)[-behind:])
            room.seen += behind
        while room.unsure:
            user_id = room.unsure.pop()
            await self._heads.learn(head, [("m.room.member", user_id)])
            joined = head.membership(user_id) == "join"
            own = await self._own(user_id, head.room_id) if joined else None
            room.remove(user_id) if own is None else room.put(user_id, own)
        self._rooms.hold(head.room_id, room)
        return room

    async def _own(self, user_id: str, room_id: str) -> RoomRules | None:
        """The user's rules there; None: they are as good as the default ones."""
        if not await self._rules.has_own(user_id):
            return None
        own = of_room((await self._rules.compiled(user_id)).rules, room_id, user_id)
        return own if own.differs else None

    async def _load(self, room_id: str) -> _Listeners:
        seen, found = self._changes, {}
        for number, user in enumerate(await self._store.own_rules(room_id)):
            if number % AT_ONCE == AT_ONCE - 1:
                await self._clock.sleep(0)
            own = of_room(compile_stored(user), room_id, user.user_id)
            if own.differs:
                found[user.user_id] = own
        room = _Listeners(found, seen)
        room.unsure.update(self._arriving.get(room_id, ()))
        return room

    def _apply(self, room: _Listeners, change: Change) -> bool:
        """A membership of a local user changed."""
        if change.subject is None or change.user_id is None:
            return False
        if change.subject.content.get("membership") == "join":
            room.unsure.add(change.user_id)
        else:
            room.remove(change.user_id)
            room.unsure.discard(change.user_id)
        return True

    def _follow(self, changes: list[Change]) -> None:
        if not changes:
            self._rooms.clear()
        for change in changes:
            user_id = change.user_id
            if user_id is None:
                continue
            if change.kind == "event" and change.room_id is not None and self._identity.is_local(user_id):
                self._arrived(change.room_id, user_id)
                self._rooms.follow(change.room_id, change)
            elif change.room_id is None and is_about_rules(change):
                self._changes += 1
                self._changed.append(user_id)

    def _arrived(self, room_id: str, user_id: str) -> None:
        arriving = self._arriving.get(room_id)
        if arriving is not None:
            arriving.discard(user_id)
            if not arriving:
                del self._arriving[room_id]


def _weigh(own: RoomRules) -> int:
    return len(own.rules) + sum(map(len, own.ordinary.values()))


def expected(quiet: bool, notifies: bool, called: bool) -> Verdict:
    """What an event says for everyone, in a room that is quiet or not."""
    return Verdict(called or (notifies and not quiet), called)
