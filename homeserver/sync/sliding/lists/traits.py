"""What rooms are, as far as lists are filtered by it: their type, whether they are encrypted, their name. Kept in memory, told of changes by the stream."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import orjson

from homeserver.figures import CacheFigures
from homeserver.rooms.state_reader import StateReader
from homeserver.streams import Change, Streams
from homeserver.sync.sliding.store import RoomListStore

CREATE, ENCRYPTION, NAME, CHILD = "m.room.create", "m.room.encryption", "m.room.name", "m.space.child"
TYPES = frozenset({CREATE, ENCRYPTION, NAME})
MAX_ROOMS = 100_000


class Traits(NamedTuple):
    type: str | None
    is_encrypted: bool
    name: str


UNKNOWN = Traits(None, False, "")


class RoomTraits:
    def __init__(self, *, store: RoomListStore, states: StateReader, streams: Streams) -> None:
        self._store = store
        self._states = states
        self._held: OrderedDict[str, Traits] = OrderedDict()
        self._changes = 0  # what is being read while one comes may be read too early
        self._loads = 0
        streams.subscribe(self._follow)

    def known(self) -> Mapping[str, Traits]:
        return self._held

    async def load(self, room_ids: Iterable[str]) -> Mapping[str, Traits]:
        """Of these rooms at least."""
        missing = [room_id for room_id in room_ids if room_id not in self._held]
        if not missing:
            return self._held
        self._loads += 1
        changes = self._changes
        found = {room_id: _of(contents) for room_id, contents in (await self._contents(missing)).items()}
        if changes != self._changes:
            return {**self._held, **found}
        self._held.update(found)
        kept: Mapping[str, Traits] = self._held if len(self._held) <= MAX_ROOMS else dict(self._held)
        while len(self._held) > MAX_ROOMS:
            self._held.popitem(last=False)
        return kept

    async def children(self, space_ids: Collection[str]) -> set[str]:
        """The rooms that these spaces name as theirs."""
        found = await self._store.state_of_types(space_ids, (CHILD,))
        events = await self._states.events({number for state in found.values() for number in state.numbers})
        return {event.state_key or "" for event in events.values() if event.content.get("via")}

    @property
    def figures(self) -> CacheFigures:
        return CacheFigures(len(self._held), len(self._held), MAX_ROOMS, self._loads)

    async def _contents(self, room_ids: Collection[str]) -> dict[str, dict[str, Any]]:
        found = await self._store.state_of_types(room_ids, tuple(TYPES))
        events = await self._states.events({number for state in found.values() for number in state.numbers})
        return {
            room_id: {event.type: event.content for number in state.numbers if (event := events[number]).state_key == ""}
            for room_id, state in found.items()
        }

    def _follow(self, changes: list[Change]) -> None:
        if not changes:
            self._changes += 1
            self._held.clear()
        for change in changes:
            if change.kind != "event" or change.room_id is None:
                continue
            event = change.subject
            if event is None or (event.state_key == "" and event.type in TYPES):
                self._changes += 1
                self._held.pop(change.room_id, None)


def of_stripped(stripped: bytes) -> Traits:
    """Of a room that is known by its stripped state alone."""
    events: list[Any] = orjson.loads(stripped)
    return _of({event.get("type"): event.get("content") for event in events if isinstance(event, dict) and event.get("state_key") == ""})


def _of(contents: Mapping[Any, Any]) -> Traits:
    create, name = contents.get(CREATE), contents.get(NAME)
    type = create.get("type") if isinstance(create, dict) else None
    text = name.get("name") if isinstance(name, dict) else None
    return Traits(type if isinstance(type, str) else None, ENCRYPTION in contents, text if isinstance(text, str) else "")
