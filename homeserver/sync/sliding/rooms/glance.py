"""What is asked of each room that is new to a client: of its current state the events of some types, and how many are in it.

Kept by the root of the state, from which all of it follows: nothing here is ever out of date, and a room in which people only talk is asked about once.
"""

from collections import OrderedDict
from collections.abc import Iterable

from homeserver.figures import CacheFigures
from homeserver.sync.sliding.store import CurrentState, RoomListStore

MAX_WEIGHT = 200_000
MAX_NUMBERS = 1_000  # of one room; a larger one is read each time
OVERHEAD = 15  # of an entry, in numbers

Types = frozenset[str] | None


class Glances:
    def __init__(self, store: RoomListStore) -> None:
        self._store = store
        self._held: OrderedDict[tuple[str, Types], CurrentState] = OrderedDict()
        self._weight = 0
        self._loads = 0

    async def read(self, rooms: Iterable[tuple[str, bytes]], types: Types) -> dict[str, CurrentState]:
        """Of rooms, each with the root that is wanted: as of that, or as of now where the state has changed meanwhile."""
        found: dict[str, CurrentState] = {}
        missing = []
        for room_id, root in rooms:
            held = self._held.get((room_id, types))
            if held is not None and held.root == root:
                self._held.move_to_end((room_id, types))
                found[room_id] = held
            else:
                missing.append(room_id)
        if missing:
            self._loads += 1
            loaded = await self._store.state_of_types(missing, types)
            found.update(loaded)
            for room_id, state in loaded.items():
                self._hold((room_id, types), state)
        return found

    @property
    def figures(self) -> CacheFigures:
        return CacheFigures(len(self._held), self._weight, MAX_WEIGHT, self._loads)

    def _hold(self, key: tuple[str, Types], state: CurrentState) -> None:
        before = self._held.pop(key, None)
        self._weight -= 0 if before is None else _weight(before)
        if len(state.numbers) > MAX_NUMBERS:
            return
        self._held[key] = state
        self._weight += _weight(state)
        while self._weight > MAX_WEIGHT:
            _, lost = self._held.popitem(last=False)
            self._weight -= _weight(lost)


def _weight(state: CurrentState) -> int:
    return OVERHEAD + len(state.numbers)
