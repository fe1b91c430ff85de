"""A connection: what one client was told, room by room, so that it is told the rest (MSC4186, "Connections").

Nobody knows whether an answer arrived until the client comes back with its token. So there is the state at which the client certainly is, and the one it
has if it got the last answer. A state has a number, which is part of the token: an answer that changes nothing of it need not be kept.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from twisted.internet.defer import Deferred

from homeserver.errors import UnknownPos
from homeserver.rooms.store import MemberRecord
from homeserver.sync.sliding.connections.members import MemberNotes, ToldMembers
from homeserver.sync.sliding.pos import Pos
from homeserver.sync.sliding.required_state import RequiredState
from homeserver.sync.sliding.store import NO_WISH, ConnectionKey, StateChange, Told

# flags: the client …
IS_DIRECT = 1  # was told that the room is a direct chat
HAS_ACCOUNT_DATA = 2  # has the room's account data
HAS_RECEIPTS = 4

MAX_REQUIRED = 200  # different wishes for state over the life of a connection
CHANGES_KEPT = 50  # then the state is written whole

Delta = Mapping[str, Told | None]


class Offer(NamedTuple):
    """What the client has if the last answer arrived."""

    number: int
    delta: Delta


class Departed(NamedTuple):
    """The rooms the user is no longer in and of which the client may hear, as of a position."""

    rooms: Mapping[str, MemberRecord]
    until: int


class Connection:
    __slots__ = (
        "_kept", "_last_number", "_numbers", "_said", "_turn", "_waiter", "counts", "departed", "directs", "key", "members", "number", "offer",
        "required", "rooms", "settled", "touched_ms",
    )  # fmt: skip

    def __init__(self, key: ConnectionKey, number: int) -> None:
        """Of a client that knows nothing; `number` must be higher than any it may hold from before."""
        self.key = key
        self.number = number
        self.rooms: dict[str, Told] = {}
        self.required: dict[int, RequiredState] = {}
        self._numbers: dict[RequiredState, int] = {}
        self._last_number = number
        self._kept = -1  # changes stored on top of a whole state; -1: nothing is stored
        self._turn = 0
        self._waiter: Deferred[None] | None = None
        self.offer: Offer | None = None
        self.members = ToldMembers()
        self._said: tuple[Pos, MemberNotes] | None = None  # with the last answer
        self.departed: Departed | None = None
        self.directs: tuple[bytes | None, frozenset[str]] = (None, frozenset())  # the rooms that the user calls so, and where he says it
        self.counts: Mapping[str, int] | None = None  # of the lists, as last told
        self.settled: tuple[int, bytes] | None = None  # the state and the question that leave nothing untold
        self.touched_ms = 0

    @classmethod
    def restored(cls, key: ConnectionKey, changes: Iterable[StateChange], number: int) -> "Connection":
        """As it was at that number. Raises UnknownPos where it never was."""
        connection = cls(key, number)
        is_found = False
        for change in changes:
            connection._last_number = max(connection._last_number, change.number)
            if change.number <= number:
                connection._know(change.required)
                connection._apply(change.rooms)
                is_found = change.number == number
        if not is_found:
            raise UnknownPos
        connection._kept = CHANGES_KEPT
        return connection

    def may_be_at(self, number: int) -> bool:
        return number == self.number or (self.offer is not None and number == self.offer.number)

    def stand_at(self, pos: Pos) -> None:
        """The client has come with this token. Raises UnknownPos for one that is past."""
        if pos.number != self.number:
            if self.offer is None or not self.may_be_at(pos.number):
                raise UnknownPos
            self._apply(self.offer.delta)
            self.number, self.offer = pos.number, None
        if self._said is not None:
            if self._said[0] == pos:
                self._said[1].arrived()
            self._said = None

    def tell(self, pos: Pos, notes: MemberNotes) -> None:
        """The answer with this token tells of these members."""
        self._said = (pos, notes)

    # ---------------------------------------------------------------- one question at a time

    def begin(self) -> int:
        """A new question takes its turn; whichever still waits is over."""
        self._turn += 1
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.called:
            waiter.callback(None)
        return self._turn

    def has_turn(self, turn: int) -> bool:
        return turn == self._turn

    def waits(self, waiter: Deferred[None]) -> None:
        """Whom the next question wakes."""
        self._waiter = waiter

    # ---------------------------------------------------------------- what it was told

    def number_of(self, required: RequiredState) -> int:
        """The key of that wish in `required`."""
        number = self._numbers.get(required)
        if number is None:
            if len(self.required) >= MAX_REQUIRED:
                raise UnknownPos("This connection has asked for too many different things, begin anew")
            number = max(self.required, default=-1) + 1
            self._know({number: required.pairs})
        return number

    def propose(self, delta: Delta, least: int) -> tuple[int, list[StateChange]]:
        """(the number after an answer that tells this, the changes to store for it).

        Numbers begin at `least`, which follows the time: what another process would tell gets another one.
        """
        if not delta and self._kept >= 0:
            self.offer = None
            return self.number, []
        changes = []
        if not 0 <= self._kept < CHANGES_KEPT:
            changes.append(self._change(self.number, self.rooms, is_whole=True))
            self._kept = 0
        self._last_number = max(self._last_number + 1, least)
        self._kept += 1
        self.offer = Offer(self._last_number, delta)
        changes.append(self._change(self._last_number, delta, is_whole=False))
        return self._last_number, changes

    def lose(self) -> None:
        """What was to be stored was not: the next time it is written whole."""
        self._kept = CHANGES_KEPT

    @property
    def highest(self) -> int:
        """No number above it was given out."""
        return self._last_number

    @property
    def weight(self) -> int:
        return 20 + len(self.rooms) + self.members.count // 4

    def _change(self, number: int, rooms: Delta, *, is_whole: bool) -> StateChange:
        used = {told.required for told in rooms.values() if told is not None and told.required != NO_WISH}
        return StateChange(number, is_whole, {index: sorted(self.required[index].pairs) for index in used}, dict(rooms))

    def _know(self, required: Mapping[int, Iterable[tuple[str, str]]]) -> None:
        for index, pairs in required.items():
            if index not in self.required:
                self.required[index] = known = RequiredState(pairs)
                self._numbers.setdefault(known, index)

    def _apply(self, delta: Delta) -> None:
        for room_id, told in delta.items():
            if told is None:
                self.rooms.pop(room_id, None)
            else:
                self.rooms[room_id] = told
