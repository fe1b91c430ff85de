"""Who is typing where, in memory alone (client-server API, "Typing Notifications").

For sync, all synchronous: `changed(room_id, counter)` asks whether the room's list changed after the counter, `event(room_id)` is the ready m.typing
event, `changed_since(counter)` lists the rooms that changed. Each change takes the next number of `Ephemera` as kind "typing". Other servers hear
of a user who goes on typing by kind "typing_still", which sync does not need. Who leaves a room types there no longer.
"""

from collections import OrderedDict
from collections.abc import Iterable

import orjson
from twisted.internet.interfaces import IDelayedCall

from homeserver.clock import Clock
from homeserver.ephemeral.sequence import FRESH, OTHER_BOOT, Ephemera
from homeserver.rooms.store import StoredEvent
from homeserver.streams import Change, Streams

DEFAULT_TIMEOUT_MS = 30_000
MIN_TIMEOUT_MS = 1_000
MAX_TIMEOUT_MS = 120_000
STILL_AFTER_S = 40.0  # other servers forget a user of whom they hear nothing for about a minute
MAX_ROOMS = 20_000  # whose last change is remembered
MAX_TYPING = 500  # users of one room

NOBODY = b'{"type":"m.typing","content":{"user_ids":[]}}'


class _Typist:
    __slots__ = ("announced", "timer")

    def __init__(self, announced: float, timer: IDelayedCall) -> None:
        self.announced = announced
        self.timer = timer


class _Room:
    __slots__ = ("counter", "event", "typists")

    def __init__(self) -> None:
        self.counter = 0
        self.event: bytes | None = None
        self.typists: dict[str, _Typist] = {}


class Typing:
    def __init__(self, ephemera: Ephemera, clock: Clock, streams: Streams) -> None:
        self._ephemera = ephemera
        self._clock = clock
        self._rooms: OrderedDict[str, _Room] = OrderedDict()  # by last change
        self._floor = 0  # changes up to here may be forgotten
        streams.subscribe(self._follow)

    def started(self, room_id: str, user_id: str, timeout_ms: int = DEFAULT_TIMEOUT_MS) -> None:
        """The user types, for that long unless he says so again. Who may say so is the caller's to check."""
        seconds = min(max(timeout_ms, MIN_TIMEOUT_MS), MAX_TIMEOUT_MS) / 1000
        room = self._rooms.get(room_id)
        typist = room.typists.get(user_id) if room is not None else None
        now = self._clock.monotonic()
        if typist is not None:
            typist.timer.reset(seconds)
            if now - typist.announced >= STILL_AFTER_S:
                typist.announced = now
                self._ephemera.tell("typing_still", room_id, user_id, True)
            return
        if room is None:
            room = self._rooms[room_id] = _Room()
        elif len(room.typists) >= MAX_TYPING:
            return
        room.typists[user_id] = _Typist(now, self._clock.call_later(seconds, self._expired, room_id, user_id))
        self._changed(room_id, room, user_id, True)

    def stopped(self, room_id: str, user_id: str) -> None:
        """The user stopped typing, sent his message or left; no error when he was not typing."""
        room = self._rooms.get(room_id)
        typist = room.typists.pop(user_id, None) if room is not None else None
        if room is None or typist is None:
            return
        typist.timer.cancel()
        self._changed(room_id, room, user_id, False)

    def in_room(self, room_id: str) -> tuple[str, ...]:
        room = self._rooms.get(room_id)
        return tuple(room.typists) if room is not None else ()

    def event(self, room_id: str) -> bytes:
        """The ready m.typing event."""
        room = self._rooms.get(room_id)
        if room is None or not room.typists:
            return NOBODY
        if room.event is None:
            room.event = b'{"type":"m.typing","content":{"user_ids":' + orjson.dumps(list(room.typists)) + b"}}"
        return room.event

    def changed(self, room_id: str, counter: int) -> bool:
        """Whether the list changed after the counter; for FRESH, whether anyone is typing; for OTHER_BOOT always, for nobody knows."""
        room = self._rooms.get(room_id)
        if counter == FRESH:
            return room is not None and bool(room.typists)
        return room.counter > counter if room is not None else counter < self._floor or counter == OTHER_BOOT

    def changed_since(self, counter: int) -> Iterable[str]:
        """The rooms whose list changed after the counter, latest first; for FRESH, those where anyone is typing."""
        for room_id, room in reversed(self._rooms.items()):
            if room.counter <= counter:
                break
            if counter != FRESH or room.typists:
                yield room_id

    def remembers(self, counter: int) -> bool:
        """Whether `changed_since` knows of every change after the counter; otherwise ask `changed` of each room."""
        return counter == FRESH or counter >= self._floor

    def _follow(self, changes: list[Change]) -> None:
        for change in changes:
            user_id = change.user_id
            if change.kind != "event" or user_id is None or change.room_id is None:
                continue
            room = self._rooms.get(change.room_id)
            if room is None or user_id not in room.typists:
                continue
            if not isinstance(change.subject, StoredEvent) or change.subject.content.get("membership") != "join":
                self.stopped(change.room_id, user_id)

    def _expired(self, room_id: str, user_id: str) -> None:
        room = self._rooms.get(room_id)
        if room is not None and room.typists.pop(user_id, None) is not None:
            self._changed(room_id, room, user_id, False)

    def _changed(self, room_id: str, room: _Room, user_id: str, is_typing: bool) -> None:
        room.counter = self._ephemera.count()
        room.event = None
        self._rooms.move_to_end(room_id)
        self._forget()
        self._ephemera.tell("typing", room_id, user_id, is_typing)

    def _forget(self) -> None:
        """Quiet rooms whose last change is longest ago; never one where somebody is typing."""
        while len(self._rooms) > MAX_ROOMS:
            room_id = next((room_id for room_id, room in self._rooms.items() if not room.typists), None)
            if room_id is None:
                break
            self._floor = max(self._floor, self._rooms.pop(room_id).counter)
