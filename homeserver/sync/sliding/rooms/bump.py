"""When people last did something in a room (MSC4186, "bump_stamp"): the position of the last event of some types."""

from collections import OrderedDict
from collections.abc import Sequence

from homeserver.figures import CacheFigures
from homeserver.streams import Change, Streams
from homeserver.sync.sections.timeline import RoomTimeline
from homeserver.sync.sliding.choice import Turn
from homeserver.sync.sliding.store import RoomListStore

TYPES = frozenset(
    {
        "m.room.create", "m.room.message", "m.room.encrypted", "m.sticker", "m.call.invite", "m.poll.start", "org.matrix.msc3381.poll.start",
        "m.beacon_info", "org.matrix.msc3672.beacon_info",
    }
)  # fmt: skip
MAX_ROOMS = 100_000


class Bumps:
    def __init__(self, store: RoomListStore, streams: Streams) -> None:
        self._store = store
        self._held: OrderedDict[str, int] = OrderedDict()
        self._arrived: dict[str, int] = {}  # in rooms that are being read
        self._loads = 0
        streams.subscribe(self._follow)

    async def read(self, turns: Sequence[Turn], timelines: Sequence[RoomTimeline | None]) -> dict[str, int]:
        """Of rooms that are new to the client, and of those where something was done since; of one the user is out of, when that came about."""
        found: dict[str, int] = {}
        lacking = []
        for turn, timeline in zip(turns, timelines, strict=True):
            room_id, member = turn.room.room_id, turn.room.member
            if member.membership != "join":
                if turn.has_news:
                    found[room_id] = member.position
                continue
            last = 0 if timeline is None else next((event.position for event in reversed(timeline.window) if event.type in TYPES), 0)
            if last:
                found[room_id] = last
            elif turn.is_initial or (timeline is not None and timeline.limited):
                lacking.append(room_id)
        missing = [room_id for room_id in lacking if room_id not in self._held]
        if missing:
            await self._load(missing)
        found.update((room_id, self._held[room_id]) for room_id in lacking if room_id in self._held)
        return found

    @property
    def figures(self) -> CacheFigures:
        return CacheFigures(len(self._held), len(self._held), MAX_ROOMS, self._loads)

    async def _load(self, room_ids: Sequence[str]) -> None:
        self._loads += 1
        self._arrived.update((room_id, 0) for room_id in room_ids if room_id not in self._arrived)
        for room_id, position in (await self._store.last_of_types(room_ids, tuple(TYPES))).items():
            self._held[room_id] = max(position, self._arrived.pop(room_id, 0), self._held.get(room_id, 0))
        while len(self._held) > MAX_ROOMS and next(iter(self._held)) not in room_ids:
            self._held.popitem(last=False)

    def _follow(self, changes: list[Change]) -> None:
        if not changes:
            self._held.clear()
        for change in changes:
            room_id, event = change.room_id, change.subject
            if change.kind != "event" or room_id is None:
                continue
            if event is None:
                self._held.pop(room_id, None)
            elif event.type in TYPES and event.is_shown:
                for known in (self._held, self._arrived):
                    if room_id in known:
                        known[room_id] = change.position
