"""Which rooms an answer tells of, and what the client knows once it has it: pure, from what is in memory.

A room is told of when it has news for this client, or when the client looks at more of it than before (MSC4186, "Changing room configs").
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from homeserver.rooms.partial.partial_rooms import PartialRooms
from homeserver.rooms.store import MemberRecord
from homeserver.sync.feed import Feed
from homeserver.sync.scope import RoomScope, SyncScope
from homeserver.sync.sliding.connections.connection import HAS_ACCOUNT_DATA, HAS_RECEIPTS, IS_DIRECT, Connection
from homeserver.sync.sliding.lists.look import Looked
from homeserver.sync.sliding.lists.standing import Standing
from homeserver.sync.sliding.request import RoomConfig
from homeserver.sync.sliding.required_state import NOTHING, RequiredState
from homeserver.sync.sliding.store import Told


@dataclass(eq=False, slots=True)
class Turn:
    """One room that an answer may speak of. `since` 0: the client knows nothing of it, or has to forget what it knows."""

    room: RoomScope
    config: RoomConfig
    told: Told | None
    held: RequiredState  # what the client was told of the state
    has_news: bool
    is_deeper: bool = False  # the client wants more of the past
    is_wider: bool = False  # it wants more of the state
    flags: int = 0
    is_recounted: bool = False  # its counts may be others without an event

    @property
    def is_initial(self) -> bool:
        return self.room.since == 0

    @property
    def is_pending(self) -> bool:
        return self.room.member.membership in ("invite", "knock")

    @property
    def lacks_account_data(self) -> bool:
        return self.is_initial or self.told is None or not self.told.flags & HAS_ACCOUNT_DATA

    @property
    def lacks_receipts(self) -> bool:
        return self.is_initial or self.told is None or not self.told.flags & HAS_RECEIPTS


@dataclass(eq=False, slots=True)
class Choice:
    turns: list[Turn] = field(default_factory=list)
    delta: dict[str, Told | None] = field(default_factory=dict)


class Reach(NamedTuple):
    """Which rooms' account data and receipts the client is to have; None: those of every room it looks at."""

    account_data: frozenset[str] | None
    receipts: frozenset[str] | None

    def flags(self, room_id: str) -> int:
        flags = HAS_ACCOUNT_DATA if self.account_data is None or room_id in self.account_data else 0
        return flags | HAS_RECEIPTS if self.receipts is None or room_id in self.receipts else flags


class Recount(NamedTuple):
    """When the user's push rules last changed, and the rooms whose counts may be others by it, if that was after the client's token."""

    position: int
    rooms: Set[str]


class Chooser(NamedTuple):
    """`scope.since` is the position of the client's token; nothing here waits."""

    scope: SyncScope
    connection: Connection
    feed: Feed
    standing: Standing
    directs: frozenset[str]
    reach: Reach
    recount: Recount
    partial: PartialRooms

    def choose(self, looked: Looked) -> Choice:
        choice = Choice()
        for room_id, config in looked.rooms.items():
            record = self.standing.record(room_id)
            turn = None if record is None else self._turn(record, config)
            if turn is not None:
                choice.turns.append(turn)
                after = self._after(turn)
                if after != turn.told:
                    choice.delta[room_id] = after
            elif record is not None and (self._last_change(record) > self.scope.since or room_id in self.recount.rooms):
                self._pass_over(choice, room_id)
        for room_id in self._unlooked(looked.rooms) if self.connection.rooms else ():
            self._pass_over(choice, room_id)
        return choice

    def _pass_over(self, choice: Choice, room_id: str) -> None:
        """It has news that are not told now."""
        told = self.connection.rooms.get(room_id)
        if told is not None and not told.since:
            choice.delta[room_id] = told._replace(since=self.scope.since)

    def _turn(self, record: MemberRecord, config: RoomConfig) -> Turn | None:
        """None: the client knows all that it wants to."""
        room_id, told = record.room_id, self.connection.rooms.get(record.room_id)
        if config.required.all_members and self.partial.is_partial(room_id):  # the client would take those few for all members
            return None
        changed = self._last_change(record)
        flags = self.reach.flags(room_id) | (IS_DIRECT if room_id in self.directs else 0)
        if told is None:
            return self._made(record, config, None, NOTHING, since=0, flags=flags)
        since = told.since or self.scope.since
        held = self.connection.required[told.required]
        is_recounted = self._is_recounted(record, told)
        if changed <= since and not is_recounted:
            if told.flags == flags and told.depth >= config.limit and (held is config.required or held.covers(config.required)):
                return None
        elif record.membership in ("invite", "knock") or (record.joined_position or 0) > since or self.partial.became_whole(room_id, since):
            since = 0
        turn = self._made(record, config, told, held, since=since, flags=flags, has_news=changed > since or is_recounted)
        if turn is not None:
            turn.is_recounted = is_recounted
        return turn

    def _is_recounted(self, record: MemberRecord, told: Told) -> bool:
        if record.membership != "join":
            return False
        return told.since < self.recount.position if told.since else record.room_id in self.recount.rooms

    def _made(
        self,
        record: MemberRecord,
        config: RoomConfig,
        told: Told | None,
        held: RequiredState,
        *,
        since: int,
        flags: int,
        has_news: bool = True,
    ) -> Turn | None:
        until = self.scope.until if record.membership == "join" else record.position
        if (record.joined_position or 0) > self.scope.until or record.position > self.scope.until:
            return None
        is_deeper = since > 0 and told is not None and told.depth < config.limit
        is_wider = since > 0 and not held.covers(config.required)
        return Turn(RoomScope(record.room_id, record, since, until), config, told, held, has_news, is_deeper, is_wider, flags)

    def _last_change(self, record: MemberRecord) -> int:
        return self.feed.changes.get(record.room_id, 0) if record.membership == "join" else record.position

    def _after(self, turn: Turn) -> Told:
        """What the client knows then; the depth may turn out otherwise (`deepen`)."""
        number = self.connection.number_of(turn.config.required)
        told = turn.told
        if told is None or turn.is_initial:
            return Told(0, turn.config.limit, number, turn.flags)
        if not turn.has_news and not turn.is_wider:
            number = told.required
        return Told(0, max(told.depth, turn.config.limit) if turn.is_deeper else told.depth, number, turn.flags)

    def _unlooked(self, rooms: Mapping[str, RoomConfig]) -> Iterator[str]:
        """Rooms with news since the token at which the client does not look."""
        since = self.scope.since
        yield from (room_id for room_id in self.feed.changed_rooms(since) if room_id not in rooms)
        yield from (room_id for room_id in self.recount.rooms if room_id not in rooms)
        for records in (self.standing.pending, self.standing.departed):
            yield from (room_id for room_id, record in records.items() if record.position > since and room_id not in rooms)


def limit_depth(choice: Choice, turn: Turn) -> None:
    """There was more news than the client was told: what it knew lies beyond a gap."""
    room_id = turn.room.room_id
    after = choice.delta.get(room_id, turn.told)
    if after is not None and after.depth != turn.config.limit:
        choice.delta[room_id] = after._replace(depth=turn.config.limit)
