"""Keeps the user directory up to date: a background reader of the stream with a position of its own.

It is told of changes and looks up what came of them, so doing something twice does no harm. The position is written together with the work, and now
and then while there is none; after a restart it goes on from there.
"""

from collections.abc import Iterable

from homeserver.clock import Clock
from homeserver.rooms.partial.store import WHOLE_ROOM
from homeserver.rooms.store import StoredEvent
from homeserver.streams import Change, Streams
from homeserver.upkeep.background import Background
from homeserver.user_directory.search_text import search_text
from homeserver.user_directory.store import DirectoryStore, Openness

PEOPLE_AT_ONCE = 200
SAVED_EVERY = 20_000  # positions without anything to do

OPEN_TYPES = frozenset({"m.room.join_rules", "m.room.history_visibility"})


def is_open(openness: Openness) -> bool:
    """Whether everybody may see who is in the room."""
    return openness.join_rules.get("join_rule") == "public" or openness.history_visibility.get("history_visibility") == "world_readable"


class DirectoryReader:
    def __init__(self, store: DirectoryStore, streams: Streams, clock: Clock, server_name: str) -> None:
        self._own_suffix = ":" + server_name
        self._store = store
        self._streams = streams
        self._people: dict[str, None] = {}
        self._rooms: dict[str | int, None] = {}  # may have become open, or no longer be so
        self._arrivals: dict[str, None] = {}  # rooms that somebody of this server came to
        self._gap: tuple[int, int] | None = None  # positions that must be asked of the store: after, up to
        self._heard = 0  # changes up to here are among the above, or done
        self._saved = 0
        self._background = Background(self._run, "the user directory", clock)

    async def start(self) -> None:
        """Begin to follow, and take up what happened meanwhile."""
        self._background.begin()
        self._streams.subscribe(self._follow)
        self._heard = self._streams.position
        self._saved = await self._store.position()
        if self._saved < self._heard:
            self._widen(self._saved, self._heard)
        self._people.update(dict.fromkeys(await self._store.unlisted()))
        self._wake()

    async def stop(self) -> None:
        """Finish the present step; the rest waits for the next start."""
        await self._background.stop()

    def _follow(self, changes: list[Change]) -> None:
        if self._background.stopped:
            return
        before, self._heard = self._heard, self._streams.position
        if not changes:
            self._widen(before, self._heard)  # positions that were stepped over
        for change in changes:
            self._note(change)
        self._wake()

    def _note(self, change: Change) -> None:
        if change.kind in ("profile", "account") and change.user_id is not None:
            self._people[change.user_id] = None
        elif change.kind == WHOLE_ROOM and change.room_id is not None:
            self._arrivals[change.room_id] = None
        elif change.kind == "event" and change.room_id is not None:
            if change.user_id is not None:
                if change.user_id.endswith(self._own_suffix):
                    self._arrivals[change.room_id] = None
                else:
                    self._people[change.user_id] = None
            elif not isinstance(change.subject, StoredEvent):
                self._widen(change.position - 1, change.position)
            elif change.subject.type in OPEN_TYPES and change.subject.state_key == "":
                self._rooms[change.room_id] = None

    def _widen(self, after: int, up_to: int) -> None:
        if after < up_to:
            self._gap = (after, up_to) if self._gap is None else (min(after, self._gap[0]), max(up_to, self._gap[1]))

    def _is_idle(self) -> bool:
        return self._gap is None and not self._people and not self._rooms and not self._arrivals

    def _wake(self) -> None:
        if not self._is_idle() or self._heard - self._saved >= SAVED_EVERY:
            self._background.wake()

    async def _run(self) -> None:
        while not self._background.stopped and not self._is_idle():
            await self._step()
        if self._heard - self._saved >= SAVED_EVERY:
            await self._write([])

    async def _step(self) -> None:
        """A bounded piece of what is to be done: rooms first, for the names of their members depend on them."""
        if self._gap is not None:
            after, up_to = self._gap
            affected = await self._store.affected(after, up_to)
            self._people.update(dict.fromkeys(affected.user_ids))
            self._rooms.update(dict.fromkeys(affected.room_nums))
            self._gap = (up_to, self._gap[1]) if up_to < self._gap[1] else None
        elif self._arrivals:
            room_id = next(iter(self._arrivals))
            del self._arrivals[room_id]  # an arrival during the question counts anew
            try:
                self._people.update(dict.fromkeys(await self._store.strangers(room_id)))
            except BaseException:
                self._arrivals[room_id] = None
                raise
        elif self._rooms:
            room = next(iter(self._rooms))
            del self._rooms[room]
            try:
                await self._look_at_room(room)
            except BaseException:
                self._rooms[room] = None
                raise
        else:
            people = list(self._people)[:PEOPLE_AT_ONCE]
            for user_id in people:
                del self._people[user_id]
            try:
                await self._write(people)
            except BaseException:
                self._people.update(dict.fromkeys(people))
                raise

    async def _look_at_room(self, room: str | int) -> None:
        room_num = room if isinstance(room, int) else await self._store.room_num(room)
        if room_num is None:
            return
        changed = await self._store.set_open(room_num, is_open(await self._store.openness(room_num)))
        self._people.update(dict.fromkeys(changed or ()))

    async def _write(self, user_ids: Iterable[str]) -> None:
        """List these people as they now are; the position moves only when nothing else is left to do."""
        done = self._heard if self._is_idle() else self._saved
        wanted = list(user_ids)
        people = await self._store.people(wanted)
        found = {person.user_id for person in people}
        gone = [user_id for user_id in wanted if user_id not in found]
        await self._store.write(gone, [(person, search_text(person.user_id, person.displayname)) for person in people], done)
        self._saved = done
